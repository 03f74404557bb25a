import java.io.ByteArrayInputStream;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.x509.SubjectAltPublicKeyInfo;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;

/** What Bouncy Castle thinks of certificates, requests and paths; every refusal is an exception that says why. */
final class Checks {
    private Checks() {}

    private static ContentVerifierProvider verifier(SubjectPublicKeyInfo key) throws Exception {
        return new JcaContentVerifierProviderBuilder().setProvider("BC").build(key);
    }

    /** The certificate's own signature under the issuer's subject key; names and dates belong to `path`. */
    static void certificate(byte[] cert, byte[] issuer) throws Exception {
        X509CertificateHolder signer = new X509CertificateHolder(issuer);
        if (!new X509CertificateHolder(cert).isSignatureValid(verifier(signer.getSubjectPublicKeyInfo()))) {
            throw new SecurityException("signature: does not verify under the issuer's key");
        }
    }

    /** The request's proof of possession. */
    static void request(byte[] csr) throws Exception {
        PKCS10CertificationRequest request = new PKCS10CertificationRequest(csr);
        if (!request.isSignatureValid(verifier(request.getSubjectPublicKeyInfo()))) {
            throw new SecurityException("signature: the request is not signed by its own key");
        }
    }

    /** The alternative signature under the issuer's subjectAltPublicKeyInfo. */
    static void alternative(byte[] cert, byte[] issuer) throws Exception {
        SubjectAltPublicKeyInfo alternative =
                SubjectAltPublicKeyInfo.fromExtensions(new X509CertificateHolder(issuer).getExtensions());
        if (alternative == null) {
            throw new SecurityException("subjectAltPublicKeyInfo: the issuer has none");
        }
        SubjectPublicKeyInfo key =
                new SubjectPublicKeyInfo(alternative.getAlgorithm(), alternative.getSubjectAltPublicKey().getBytes());
        if (!new X509CertificateHolder(cert).isAlternativeSignatureValid(verifier(key))) {
            throw new SecurityException("altSignatureValue: does not verify under the issuer's alternative key");
        }
    }

    /** RFC 5280 validation without revocation; `certs` from the leaf upwards, without the anchor. */
    static void path(Request request) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        List<X509Certificate> chain = new ArrayList<>();
        for (byte[] der : request.manyBytes("certs")) {
            chain.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)));
        }
        Set<TrustAnchor> anchors = new HashSet<>();
        for (byte[] der : request.manyBytes("anchors")) {
            anchors.add(new TrustAnchor(
                    (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)), null));
        }
        PKIXParameters parameters = new PKIXParameters(anchors);
        parameters.setRevocationEnabled(false);
        parameters.setDate(request.moment("at"));
        CertPathValidator.getInstance("PKIX", "BC").validate(factory.generateCertPath(chain), parameters);
    }
}
