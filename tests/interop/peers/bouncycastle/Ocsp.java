import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Date;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.ocsp.BasicOCSPRespBuilder;
import org.bouncycastle.cert.ocsp.CertificateID;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPReq;
import org.bouncycastle.cert.ocsp.OCSPReqBuilder;
import org.bouncycastle.cert.ocsp.OCSPRespBuilder;
import org.bouncycastle.cert.ocsp.Req;
import org.bouncycastle.cert.ocsp.RespID;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.UnknownStatus;
import org.bouncycastle.operator.DigestCalculator;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/** OCSP as Bouncy Castle asks, answers and judges. */
final class Ocsp {
    private static final long DAY_MILLISECONDS = 86_400_000L;

    private Ocsp() {}

    private static DigestCalculatorProvider digests() throws Exception {
        return new JcaDigestCalculatorProviderBuilder().setProvider("BC").build();
    }

    /** Asks about `cert` of `issuer`; signed, if there is a `signerKey` with its `signerCert`. */
    static Map<String, Object> ask(Request request) throws Exception {
        X509CertificateHolder issuer = new X509CertificateHolder(request.bytes("issuer"));
        X509CertificateHolder cert = new X509CertificateHolder(request.bytes("cert"));
        AlgorithmIdentifier hash = new AlgorithmIdentifier(
                new ASN1ObjectIdentifier(request.text("hash", "1.3.14.3.2.26")));
        OCSPReqBuilder builder = new OCSPReqBuilder();
        builder.addRequest(new CertificateID(digests().get(hash), issuer, cert.getSerialNumber()));
        if (request.has("nonce")) {
            builder.setRequestExtensions(nonce(request.bytes("nonce")));
        }
        if (!request.has("signerKey")) {
            return Map.of("request", Maker.encode(builder.build().getEncoded()));
        }
        X509CertificateHolder signer = new X509CertificateHolder(request.bytes("signerCert"));
        builder.setRequestorName(new GeneralName(signer.getSubject()));
        OCSPReq signed = builder.build(
                Maker.signer(
                        Keys.load(request.bytes("signerKey")),
                        signer.getSubjectPublicKeyInfo(),
                        request.text("signatureAlgorithm", null)),
                new X509CertificateHolder[] {signer});
        return Map.of("request", Maker.encode(signed.getEncoded()));
    }

    /** What a request asks: whether it is about `cert` of `issuer`, and its nonce. */
    static Map<String, Object> readRequest(Request request) throws Exception {
        X509CertificateHolder issuer = new X509CertificateHolder(request.bytes("issuer"));
        X509CertificateHolder cert = new X509CertificateHolder(request.bytes("cert"));
        OCSPReq read = new OCSPReq(request.bytes("request"));
        boolean asked = false;
        for (Req one : read.getRequestList()) {
            CertificateID id = one.getCertID();
            asked |= id.getSerialNumber().equals(cert.getSerialNumber()) && id.matchesIssuer(issuer, digests());
        }
        if (!asked) {
            throw new SecurityException("request: not about this certificate of this issuer");
        }
        Extension nonce = read.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce);
        byte[] octets = nonce == null
                ? new byte[0]
                : ASN1OctetString.getInstance(nonce.getParsedValue()).getOctets();
        return Map.of("nonce", Maker.encode(octets));
    }

    /** Answers every certificate of a request by the same `status`: good, revoked or unknown. */
    static Map<String, Object> answer(Request request) throws Exception {
        X509CertificateHolder responder = new X509CertificateHolder(request.bytes("responderCert"));
        SubjectPublicKeyInfo key = responder.getSubjectPublicKeyInfo();
        DigestCalculator sha1 = digests().get(RespID.HASH_SHA1);
        RespID id = request.flag("byKey") ? new RespID(key, sha1) : new RespID(responder.getSubject());
        BasicOCSPRespBuilder builder = new BasicOCSPRespBuilder(id);
        Date now = new Date(System.currentTimeMillis() / 1000 * 1000);
        Date next = new Date(now.getTime() + DAY_MILLISECONDS);
        OCSPReq asked = new OCSPReq(request.bytes("request"));
        for (Req one : asked.getRequestList()) {
            builder.addResponse(one.getCertID(), status(request.text("status"), now), now, next);
        }
        Extension nonce = asked.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce);
        if (nonce != null) {
            builder.setResponseExtensions(new Extensions(nonce));
        }
        X509CertificateHolder[] certs =
                request.flag("bare") ? new X509CertificateHolder[0] : new X509CertificateHolder[] {responder};
        return Map.of(
                "response",
                Maker.encode(new OCSPRespBuilder()
                        .build(
                                OCSPRespBuilder.SUCCESSFUL,
                                builder.build(
                                        Maker.signer(
                                                Keys.load(request.bytes("responderKey")),
                                                key,
                                                request.text("signatureAlgorithm", null)),
                                        certs,
                                        now))
                        .getEncoded()));
    }

    private static CertificateStatus status(String name, Date now) {
        return switch (name) {
            case "good" -> CertificateStatus.GOOD;
            case "revoked" -> new RevokedStatus(now, 1);
            case "unknown" -> new UnknownStatus();
            default -> throw new IllegalArgumentException("status " + name + ": good, revoked or unknown is allowed");
        };
    }

    private static Extensions nonce(byte[] octets) throws Exception {
        return new Extensions(
                new Extension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce, false, new DEROctetString(octets).getEncoded()));
    }

    /** RFC 5280 validation of `cert` below `issuer`, whose revocation the `response` must deny. */
    static void check(Request request) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        X509Certificate cert = read(factory, request.bytes("cert"));
        X509Certificate issuer = read(factory, request.bytes("issuer"));
        CertPathValidator validator = CertPathValidator.getInstance("PKIX", "BC");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(EnumSet.of(
                PKIXRevocationChecker.Option.ONLY_END_ENTITY, PKIXRevocationChecker.Option.NO_FALLBACK));
        checker.setOcspResponses(Map.of(cert, request.bytes("response")));
        if (request.has("nonce")) {
            byte[] value = new DEROctetString(request.bytes("nonce")).getEncoded();
            checker.setOcspExtensions(List.of(new NonceExtension(value)));
        }
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(issuer, null)));
        parameters.setRevocationEnabled(true);
        parameters.addCertPathChecker(checker);
        validator.validate(factory.generateCertPath(new ArrayList<>(List.of(cert))), parameters);
    }

    private static X509Certificate read(CertificateFactory factory, byte[] der) throws Exception {
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
    }

    /** The nonce as the Java interface for revocation checks takes it. */
    private record NonceExtension(byte[] value) implements java.security.cert.Extension {
        @Override
        public String getId() {
            return OCSPObjectIdentifiers.id_pkix_ocsp_nonce.getId();
        }

        @Override
        public boolean isCritical() {
            return false;
        }

        @Override
        public byte[] getValue() {
            return value;
        }

        @Override
        public void encode(OutputStream out) {
            throw new UnsupportedOperationException("only the value is asked for");
        }
    }
}
