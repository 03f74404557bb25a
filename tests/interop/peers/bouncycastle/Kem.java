import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.KeyGenerator;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.PrivateKeyPossessionStatement;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.X509AttributeIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.jcajce.SecretKeyWithEncapsulation;
import org.bouncycastle.jcajce.interfaces.MLKEMPrivateKey;
import org.bouncycastle.jcajce.spec.KEMExtractSpec;
import org.bouncycastle.jcajce.spec.KEMGenerateSpec;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;

/** ML-KEM keys, and requests for them that the holder of a signature certificate vouches for (RFC 9883). */
final class Kem {
    private static final int SECRET_BITS = 256;

    private Kem() {}

    /** Answers a command of this file; none for one of another. */
    static Map<String, Object> answer(String command, Request request) throws Exception {
        switch (command) {
            case "kemKey":
                return key(request);
            case "encapsulate":
                return encapsulate(request);
            case "decapsulate":
                return decapsulate(request);
            case "makeStatedCsr":
                return makeRequest(request);
            case "verifyStatedCsr":
                verifyRequest(request);
                return Map.of();
            default:
                throw new IllegalArgumentException("command " + command + ": not one that this harness has");
        }
    }

    /** A new key of `algorithm`, or the one in `pkcs8`, in the form asked for. */
    private static Map<String, Object> key(Request request) throws Exception {
        PrivateKey made;
        if (request.has("pkcs8")) {
            made = Keys.load(request.bytes("pkcs8"));
        } else {
            KeyPair pair =
                    KeyPairGenerator.getInstance(request.text("algorithm"), "BC").generateKeyPair();
            made = pair.getPrivate();
        }
        MLKEMPrivateKey key = (MLKEMPrivateKey) made;
        byte[] pkcs8 =
                switch (request.text("form", "seed")) {
                    case "seed" -> key.getPrivateKey(true).getEncoded();
                    case "expanded" -> key.getPrivateKey(false).getEncoded();
                    case "both" -> key.getEncoded();
                    default -> throw new IllegalArgumentException("form: seed, both or expanded is allowed");
                };
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("pkcs8", Maker.encode(pkcs8));
        answer.put("spki", Maker.encode(key.getPublicKey().getEncoded()));
        return answer;
    }

    /** To the subject's key of `cert`. */
    private static Map<String, Object> encapsulate(Request request) throws Exception {
        X509CertificateHolder cert = new X509CertificateHolder(request.bytes("cert"));
        KeyGenerator generator = KeyGenerator.getInstance("ML-KEM", "BC");
        KEMGenerateSpec spec = new KEMGenerateSpec.Builder(
                        Keys.loadPublic(cert.getSubjectPublicKeyInfo().getEncoded()), "Secret", SECRET_BITS)
                .withNoKdf()
                .build();
        generator.init(spec, new SecureRandom());
        SecretKeyWithEncapsulation made = (SecretKeyWithEncapsulation) generator.generateKey();
        return Map.of(
                "ciphertext", Maker.encode(made.getEncapsulation()), "secret", Maker.encode(made.getEncoded()));
    }

    private static Map<String, Object> decapsulate(Request request) throws Exception {
        KeyGenerator generator = KeyGenerator.getInstance("ML-KEM", "BC");
        KEMExtractSpec spec = new KEMExtractSpec.Builder(
                        Keys.load(request.bytes("pkcs8")), request.bytes("ciphertext"), "Secret", SECRET_BITS)
                .withNoKdf()
                .build();
        generator.init(spec);
        return Map.of("secret", Maker.encode(generator.generateKey().getEncoded()));
    }

    /** For the key `spki` and the subject of `cert`, signed by `key`, the key of that certificate. */
    private static Map<String, Object> makeRequest(Request request) throws Exception {
        X509CertificateHolder cert = new X509CertificateHolder(request.bytes("cert"));
        SubjectPublicKeyInfo info = SubjectPublicKeyInfo.getInstance(request.bytes("spki"));
        PKCS10CertificationRequestBuilder builder =
                new PKCS10CertificationRequestBuilder(cert.getSubject(), info);
        ExtensionsGenerator extensions = new ExtensionsGenerator();
        GeneralName name = new GeneralName(GeneralName.dNSName, request.text("dns"));
        extensions.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(name));
        builder.addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate());
        builder.addAttribute(
                X509AttributeIdentifiers.id_at_statementOfPossession,
                new PrivateKeyPossessionStatement(cert.toASN1Structure()));
        PrivateKey key = Keys.load(request.bytes("key"));
        String algorithm = Algorithms.signature(cert.getSubjectPublicKeyInfo().getAlgorithm(), null);
        PKCS10CertificationRequest made =
                builder.build(new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key));
        return Map.of("csr", Maker.encode(made.getEncoded()));
    }

    /** The statement names the certificate in it, whose key signed the request. */
    private static void verifyRequest(Request request) throws Exception {
        PKCS10CertificationRequest csr = new PKCS10CertificationRequest(request.bytes("csr"));
        Attribute[] found = csr.getAttributes(X509AttributeIdentifiers.id_at_statementOfPossession);
        if (found.length != 1) {
            throw new SecurityException("statement of possession: found " + found.length);
        }
        PrivateKeyPossessionStatement statement =
                PrivateKeyPossessionStatement.getInstance(found[0].getAttributeValues()[0]);
        X509CertificateHolder cert = new X509CertificateHolder(statement.getCert());
        boolean named = statement.getSigner().getName().equals(cert.getIssuer())
                && statement.getSigner().getCertificateSerialNumber().hasValue(cert.getSerialNumber());
        if (!named) {
            throw new SecurityException("statement of possession: names another certificate");
        }
        if (!csr.isSignatureValid(new JcaContentVerifierProviderBuilder().setProvider("BC").build(cert))) {
            throw new SecurityException("signature: not by the certificate that vouches");
        }
    }
}
