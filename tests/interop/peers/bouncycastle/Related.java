import java.security.PrivateKey;
import java.util.Map;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cms.BinaryTime;
import org.bouncycastle.asn1.cms.IssuerAndSerialNumber;
import org.bouncycastle.asn1.cms.RequesterCertificate;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.RelatedCertificate;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.RelatedCertificateTool;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.ContentVerifier;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;

/** Related certificates (RFC 9763). */
final class Related {
    private static final ASN1ObjectIdentifier EXTENSION = new ASN1ObjectIdentifier("1.3.6.1.5.5.7.1.36");
    private static final ASN1ObjectIdentifier ATTRIBUTE = new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.2.60");

    private Related() {}

    /** That `cert` has the extension with the digest of `related`. */
    static Map<String, Object> check(Request request) throws Exception {
        X509CertificateHolder holder = new X509CertificateHolder(request.bytes("cert"));
        Extension extension = holder.getExtension(EXTENSION);
        if (extension == null) {
            throw new SecurityException("RelatedCertificate: not in the certificate");
        }
        if (extension.isCritical()) {
            throw new SecurityException("RelatedCertificate: critical");
        }
        RelatedCertificate value = RelatedCertificate.getInstance(extension.getParsedValue());
        X509CertificateHolder related = new X509CertificateHolder(request.bytes("related"));
        if (!RelatedCertificateTool.isRelatedCertificate(
                value, related, new JcaDigestCalculatorProviderBuilder().setProvider("BC").build())) {
            throw new SecurityException("RelatedCertificate: the digest of another certificate");
        }
        return Map.of("hash", value.getHashAlgorithm().getAlgorithm().getId());
    }

    /** That `csr` asks for a binding to `related`, signed by its key. */
    static Map<String, Object> verifyRequest(Request request) throws Exception {
        PKCS10CertificationRequest csr = new PKCS10CertificationRequest(request.bytes("csr"));
        X509CertificateHolder related = new X509CertificateHolder(request.bytes("related"));
        Attribute[] attributes = csr.getAttributes(ATTRIBUTE);
        if (attributes.length != 1) {
            throw new SecurityException("relatedCertRequest: found " + attributes.length);
        }
        RequesterCertificate value = RelatedCertificateTool.fromAttribute(attributes[0]);
        if (!value.getCertID().equals(new IssuerAndSerialNumber(related.toASN1Structure()))) {
            throw new SecurityException("relatedCertRequest: another certificate");
        }
        SubjectPublicKeyInfo key = related.getSubjectPublicKeyInfo();
        ContentVerifier verifier = new JcaContentVerifierProviderBuilder()
                .setProvider("BC")
                .build(key)
                .get(signer(Keys.load(request.bytes("relatedKey")), key).getAlgorithmIdentifier());
        if (!RelatedCertificateTool.verifyRequesterCertificate(value, verifier)) {
            throw new SecurityException("relatedCertRequest: signature does not verify");
        }
        return Map.of("time", value.getRequestTime().toDate().toInstant().toString());
    }

    /** The attribute's value, signed by `relatedKey` for `related` now or at `time`. */
    static Map<String, Object> makeRequest(Request request) throws Exception {
        X509CertificateHolder related = new X509CertificateHolder(request.bytes("related"));
        RequesterCertificate value = RelatedCertificateTool.createRequesterCertificate(
                new IssuerAndSerialNumber(related.toASN1Structure()),
                new BinaryTime(request.moment("time")),
                request.texts("locations").toArray(new String[0]),
                signer(Keys.load(request.bytes("relatedKey")), related.getSubjectPublicKeyInfo()));
        return Map.of("value", Maker.encode(value.getEncoded("DER")));
    }

    private static ContentSigner signer(PrivateKey key, SubjectPublicKeyInfo info) throws Exception {
        return Maker.signer(key, info, null);
    }
}
