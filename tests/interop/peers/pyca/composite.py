"""An independent check of composite ML-DSA by pyca/cryptography, behind a pipe.

One JSON request a line on standard input, one JSON answer a line on standard output: {"ok": true, ...} or
{"ok": false, "error": "..."}. Binary values are base64 of DER. tests/interop/src/peers.rs lists the commands.
Written from draft-ietf-lamps-pq-composite-sigs-19 alone; it shares no code with Espalier.
"""

import base64
import json
import sys

import cryptography
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa

PREFIX = b"CompositeAlgorithmSignatures2025"

ML_DSA = {
    44: (mldsa.MLDSA44PublicKey, 1312, 2420),
    65: (mldsa.MLDSA65PublicKey, 1952, 3309),
    87: (mldsa.MLDSA87PublicKey, 2592, 4627),
}

CURVES = {
    "P256": ec.SECP256R1,
    "P384": ec.SECP384R1,
    "P521": ec.SECP521R1,
    "BP256": ec.BrainpoolP256R1,
    "BP384": ec.BrainpoolP384R1,
}

# Last arc of the OID: label without "COMPSIG-", pre-hash, hash of the classical half (None for EdDSA).
COMPOSITES = {
    37: ("MLDSA44-RSA2048-PSS-SHA256", hashes.SHA256(), hashes.SHA256()),
    38: ("MLDSA44-RSA2048-PKCS15-SHA256", hashes.SHA256(), hashes.SHA256()),
    39: ("MLDSA44-Ed25519-SHA512", hashes.SHA512(), None),
    40: ("MLDSA44-ECDSA-P256-SHA256", hashes.SHA256(), hashes.SHA256()),
    41: ("MLDSA65-RSA3072-PSS-SHA512", hashes.SHA512(), hashes.SHA256()),
    42: ("MLDSA65-RSA3072-PKCS15-SHA512", hashes.SHA512(), hashes.SHA256()),
    43: ("MLDSA65-RSA4096-PSS-SHA512", hashes.SHA512(), hashes.SHA384()),
    44: ("MLDSA65-RSA4096-PKCS15-SHA512", hashes.SHA512(), hashes.SHA384()),
    45: ("MLDSA65-ECDSA-P256-SHA512", hashes.SHA512(), hashes.SHA256()),
    46: ("MLDSA65-ECDSA-P384-SHA512", hashes.SHA512(), hashes.SHA384()),
    47: ("MLDSA65-ECDSA-BP256-SHA512", hashes.SHA512(), hashes.SHA256()),
    48: ("MLDSA65-Ed25519-SHA512", hashes.SHA512(), None),
    49: ("MLDSA87-ECDSA-P384-SHA512", hashes.SHA512(), hashes.SHA384()),
    50: ("MLDSA87-ECDSA-BP384-SHA512", hashes.SHA512(), hashes.SHA384()),
    51: ("MLDSA87-Ed448-SHAKE256", hashes.SHAKE256(64), None),
    52: ("MLDSA87-RSA3072-PSS-SHA512", hashes.SHA512(), hashes.SHA256()),
    53: ("MLDSA87-RSA4096-PSS-SHA512", hashes.SHA512(), hashes.SHA384()),
    54: ("MLDSA87-ECDSA-P521-SHA512", hashes.SHA512(), hashes.SHA512()),
}
ARC = "1.3.6.1.5.5.7.6."


class Refused(Exception):
    """A reason for saying no."""


# --- the little DER that pyca does not show: the key inside a structure whose algorithm it does not know


def element(der, at):
    """The tag, the start of the value and the end of the element at `at`."""
    if at + 2 > len(der):
        raise Refused(f"DER: cut off at octet {at}")
    tag, length, start = der[at], der[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        if octets == 0 or octets > 4:
            raise Refused(f"DER: length of {octets} octets at {at}")
        length = int.from_bytes(der[start : start + octets], "big")
        start += octets
    if start + length > len(der):
        raise Refused(f"DER: cut off at octet {at}")
    return tag, start, start + length


def children(der):
    """The elements inside a SEQUENCE, each with its header."""
    tag, at, end = element(der, 0)
    if tag != 0x30 or end != len(der):
        raise Refused(f"DER: one SEQUENCE is needed, found tag {tag:#x} and {len(der) - end} trailing octets")
    found = []
    while at < end:
        _, _, stop = element(der, at)
        found.append(der[at:stop])
        at = stop
    return found


def content(der):
    _, start, end = element(der, 0)
    return der[start:end]


def oid(der):
    value = content(der)
    first = min(value[0] // 40, 2)
    arcs, arc = [first, value[0] - 40 * first], 0
    if value[0] & 0x80:
        raise Refused("OID: a first octet above 127")
    for octet in value[1:]:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    return ".".join(map(str, arcs))


def spki_of(structure, index):
    """subjectPublicKeyInfo: field `index` of a TBS, not counting an explicit version tag."""
    fields = children(structure)
    if fields[0][0] == 0xA0:
        fields = fields[1:]
    return fields[index]


def key_of(spki):
    """The algorithm OID and the raw key of a SubjectPublicKeyInfo; composite parameters must be absent."""
    algorithm, bits = children(spki)
    parts = children(algorithm)
    name = oid(parts[0])
    if name.startswith(ARC) and len(parts) != 1:
        raise Refused("subjectPublicKeyInfo.algorithm.parameters: present, must be absent")
    raw = content(bits)
    if raw[0] != 0:
        raise Refused(f"subjectPublicKey: {raw[0]} unused bits, 0 is allowed")
    return name, raw[1:]


# --- composite verification


def digest(algorithm, message):
    state = hashes.Hash(algorithm)
    state.update(message)
    return state.finalize()


def verify_composite(name, raw_key, message, signature, context=b""):
    row = COMPOSITES.get(int(name[len(ARC) :]))
    if row is None:
        raise Refused(f"algorithm {name}: not one of the 18 composites")
    label, prehash, classical_hash = row
    level = int(label[5:7])
    public, key_size, signature_size = ML_DSA[level]
    label = b"COMPSIG-" + label.encode()
    if len(context) > 255:
        raise Refused(f"context: {len(context)} octets, at most 255 are allowed")
    bound = PREFIX + label + bytes([len(context)]) + context + digest(prehash, message)
    if len(raw_key) <= key_size or len(signature) <= signature_size:
        raise Refused(f"composite: key of {len(raw_key)} and signature of {len(signature)} octets are too short")
    half = "ML-DSA"
    try:
        public.from_public_bytes(raw_key[:key_size]).verify(signature[:signature_size], bound, label)
        half = "classical"
        verify_classical(row, raw_key[key_size:], bound, signature[signature_size:], classical_hash)
    except InvalidSignature:
        raise Refused(f"signature: the {half} half does not verify") from None


def verify_classical(row, raw, message, signature, hash_algorithm):
    kind = row[0].split("-")[1]
    if kind.startswith("RSA"):
        verify_rsa(row[0], int(kind[3:]), raw, message, signature, hash_algorithm)
    elif kind == "Ed25519":
        ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    elif kind == "Ed448":
        ed448.Ed448PublicKey.from_public_bytes(raw).verify(signature, message)
    else:
        if raw[:1] != b"\x04":
            raise Refused(f"EC point: first octet {raw[:1].hex()}, only 04 (uncompressed) is allowed")
        curve = CURVES[row[0].split("-")[2]]()
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, raw)
        key.verify(signature, message, ec.ECDSA(hash_algorithm))


def verify_rsa(label, bits, raw, message, signature, hash_algorithm):
    modulus, exponent = (int.from_bytes(content(field), "big") for field in children(raw))
    if modulus.bit_length() != bits:
        raise Refused(f"RSA modulus: {modulus.bit_length()} bits, {bits} are allowed")
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    scheme = padding.PKCS1v15()
    if "-PSS-" in label:
        scheme = padding.PSS(padding.MGF1(hash_algorithm), hash_algorithm.digest_size)
    key.verify(signature, message, scheme, hash_algorithm)


# --- whatever pyca knows by itself


def verify_known(spki, message, signature, hash_algorithm, rsa_padding):
    key = serialization.load_der_public_key(spki)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, rsa_padding, hash_algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(hash_algorithm))
        else:
            key.verify(signature, message)
    except InvalidSignature:
        raise Refused("signature: does not verify") from None


def verify_signed(spki, signed, algorithm, parts):
    """The signature of a certificate or request (pyca's object `signed`) over its to-be-signed octets."""
    tbs, _, bits = parts
    name, raw = key_of(spki)
    signature = content(bits)[1:]
    if name.startswith(ARC):
        outer = children(parts[1])
        if algorithm != name or len(outer) != 1:
            raise Refused(f"signatureAlgorithm: {algorithm} with {len(outer) - 1} parameters, the key is {name}")
        verify_composite(name, raw, tbs, signature)
    elif algorithm.startswith(ARC):
        raise Refused(f"signatureAlgorithm: {algorithm}, the key is {name}")
    else:
        verify_known(spki, tbs, signature, signed.signature_hash_algorithm, padding_of(signed))


def padding_of(signed):
    found = getattr(signed, "signature_algorithm_parameters", None)
    return found if isinstance(found, (padding.PSS, padding.PKCS1v15)) else padding.PKCS1v15()


def verify_cert(request):
    cert_der, issuer_der = data(request, "cert"), data(request, "issuer")
    cert = x509.load_der_x509_certificate(cert_der)
    issuer = x509.load_der_x509_certificate(issuer_der)
    spki = spki_of(issuer.tbs_certificate_bytes, 5)
    inner = children(cert_der)
    if spki_of(inner[0], 1) != inner[1]:
        raise Refused("signature: differs between the TBS and the certificate")
    verify_signed(spki, cert, cert.signature_algorithm_oid.dotted_string, inner)
    return {"algorithm": key_of(spki)[0]}


def verify_csr(request):
    der = data(request, "csr")
    csr = x509.load_der_x509_csr(der)
    parts = children(der)
    spki = children(parts[0])[2]
    verify_signed(spki, csr, csr.signature_algorithm_oid.dotted_string, parts)
    return {"algorithm": key_of(spki)[0]}


def verify_signature(request):
    """A bare composite or pure signature: `algorithm` (OID), `publicKey` (raw), `message`, `signature`, `context`."""
    name, raw = request["algorithm"], data(request, "publicKey")
    context = base64.b64decode(request.get("context", ""))
    message, signature = data(request, "message"), data(request, "signature")
    pure = {"2.16.840.1.101.3.4.3.17": 44, "2.16.840.1.101.3.4.3.18": 65, "2.16.840.1.101.3.4.3.19": 87}
    if name in pure:
        try:
            ML_DSA[pure[name]][0].from_public_bytes(raw).verify(signature, message, context)
        except InvalidSignature:
            raise Refused("signature: does not verify") from None
    else:
        verify_composite(name, raw, message, signature, context)
    return {}


def load_key(request):
    """A private key of a family that pyca knows: its public half, and a signature over `message`."""
    key = serialization.load_der_private_key(data(request, "pkcs8"), None)
    message = data(request, "message")
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        signature = key.sign(message, ec.ECDSA(hashes.SHA256()))
    else:
        signature = key.sign(message)
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"spki": text(spki), "signature": text(signature)}


def version(_request):
    from cryptography.hazmat.backends.openssl import backend

    return {"version": cryptography.__version__, "openssl": backend.openssl_version_text()}


COMMANDS = {
    "version": version,
    "verifyCert": verify_cert,
    "verifyCsr": verify_csr,
    "verifySignature": verify_signature,
    "loadKey": load_key,
}


def data(request, name):
    if not isinstance(request.get(name), str):
        raise Refused(f"field {name}: a base64 string is needed, found {request.get(name)!r}")
    return base64.b64decode(request[name], validate=True)


def text(octets):
    return base64.b64encode(octets).decode()


def answer(line):
    try:
        request = json.loads(line)
        command = COMMANDS.get(request.get("command"))
        if command is None:
            raise Refused(f"command {request.get('command')!r}: one of {', '.join(COMMANDS)} is allowed")
        return {"ok": True, **command(request)}
    except Refused as refusal:
        return {"ok": False, "error": str(refusal)}
    except Exception as error:  # noqa: BLE001 - malformed input may end in any exception of the library: a refusal
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


def main():
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)


if __name__ == "__main__":
    main()
