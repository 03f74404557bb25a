import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.PrivateKey;
import java.security.cert.CertPathValidator;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bouncycastle.asn1.x509.CRLNumber;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.DistributionPointName;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.IssuingDistributionPoint;
import org.bouncycastle.cert.X509CRLHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.jcajce.PKIXExtendedParameters;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;

/** Revocation lists: made, checked, and asked about a certificate. */
final class Crls {
    private static final long DAY_MILLISECONDS = 24L * 60 * 60 * 1000;

    private Crls() {}

    /** The list's own signature under the key of the issuer's certificate. */
    static void check(Request request) throws Exception {
        X509CertificateHolder issuer = new X509CertificateHolder(request.bytes("issuer"));
        X509CRLHolder list = new X509CRLHolder(request.bytes("crl"));
        if (!list.isSignatureValid(new JcaContentVerifierProviderBuilder().setProvider("BC").build(issuer))) {
            throw new SecurityException("signature: does not verify under the issuer's key");
        }
    }

    /** RFC 5280 validation of one certificate below `issuer` with revocation by the given lists, deltas included. */
    static void path(Request request) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        X509Certificate leaf = certificate(factory, request.bytes("cert"));
        X509Certificate issuer = certificate(factory, request.bytes("issuer"));
        List<Object> lists = new ArrayList<>();
        for (byte[] der : request.manyBytes("crls")) {
            lists.add(factory.generateCRL(new ByteArrayInputStream(der)));
        }
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(issuer, null)));
        parameters.setRevocationEnabled(true);
        parameters.setDate(request.moment("at"));
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists), "BC"));
        PKIXExtendedParameters extended =
                new PKIXExtendedParameters.Builder(parameters).setUseDeltasEnabled(true).build();
        CertPathValidator.getInstance("PKIX", "BC").validate(factory.generateCertPath(List.of(leaf)), extended);
    }

    static Map<String, Object> make(Request request) throws Exception {
        X509CertificateHolder issuer = new X509CertificateHolder(request.bytes("issuerCert"));
        PrivateKey key = Keys.load(request.bytes("issuerKey"));
        Date now = new Date();
        X509v2CRLBuilder builder = new X509v2CRLBuilder(issuer.getSubject(), now);
        builder.setNextUpdate(new Date(now.getTime() + DAY_MILLISECONDS));
        for (byte[] cert : request.manyBytes("revoked")) {
            BigInteger serial = new X509CertificateHolder(cert).getSerialNumber();
            builder.addCRLEntry(serial, new Date(now.getTime() - DAY_MILLISECONDS), CRLReason.keyCompromise);
        }
        builder.addExtension(
                Extension.authorityKeyIdentifier,
                false,
                new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(issuer));
        builder.addExtension(Extension.cRLNumber, false, new CRLNumber(BigInteger.valueOf(request.number("number"))));
        if (request.has("base")) {
            CRLNumber base = new CRLNumber(BigInteger.valueOf(request.number("base")));
            builder.addExtension(Extension.deltaCRLIndicator, true, base);
        }
        if (request.has("place")) {
            GeneralName place = new GeneralName(GeneralName.uniformResourceIdentifier, request.text("place"));
            DistributionPointName point = new DistributionPointName(new GeneralNames(place));
            builder.addExtension(
                    Extension.issuingDistributionPoint, true, new IssuingDistributionPoint(point, false, false));
        }
        String algorithm = Algorithms.signature(
                issuer.getSubjectPublicKeyInfo().getAlgorithm(), request.text("signatureAlgorithm", null));
        byte[] crl = builder.build(new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key)).getEncoded();
        return Map.of("crl", Maker.encode(crl));
    }

    private static X509Certificate certificate(CertificateFactory factory, byte[] der) throws Exception {
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
    }
}
