import java.io.ByteArrayInputStream;
import java.security.Security;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.PKIXRevocationChecker.Option;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * PKIX validation that fetches revocation lists and OCSP answers from where the certificates say. Both validators keep
 * what they fetched: whoever wants to know what a server says now starts a new process.
 */
final class Online {
    static {
        System.setProperty("com.sun.security.enableCRLDP", "true");
        System.setProperty("org.bouncycastle.x509.enableCRLDP", "true");
        Security.setProperty("ocsp.enable", "true");
        // Java takes an answer for 15 minutes longer than it is good; the test has none that is older.
        System.setProperty("com.sun.security.ocsp.clockSkew", "0");
    }

    private Online() {}

    /** `certs` from the leaf upwards, without `anchor`; the leaf's revocation `by` its list or by OCSP alone. */
    static Map<String, Object> check(Request request) throws Exception {
        String provider = request.text("provider");
        CertificateFactory factory = CertificateFactory.getInstance("X.509", provider);
        List<X509Certificate> chain = new ArrayList<>();
        for (byte[] der : request.manyBytes("certs")) {
            chain.add(read(factory, der));
        }
        CertPathValidator validator = CertPathValidator.getInstance("PKIX", provider);
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        EnumSet<Option> options = EnumSet.of(Option.ONLY_END_ENTITY, Option.NO_FALLBACK);
        if (request.text("by").equals("crl")) {
            options.add(Option.PREFER_CRLS);
        }
        checker.setOptions(options);
        PKIXParameters parameters =
                new PKIXParameters(Set.of(new TrustAnchor(read(factory, request.bytes("anchor")), null)));
        parameters.setRevocationEnabled(true);
        parameters.addCertPathChecker(checker);
        try {
            validator.validate(factory.generateCertPath(chain), parameters);
        } catch (CertPathValidatorException e) {
            throw new SecurityException("at " + e.getIndex() + ", " + e.getReason(), e);
        }
        return Map.of("java", Runtime.version().feature());
    }

    private static X509Certificate read(CertificateFactory factory, byte[] der) throws Exception {
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
    }
}
