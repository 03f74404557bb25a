import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.RSAKeyGenParameterSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.jcajce.provider.asymmetric.compositesignatures.CompositeIndex;

/** Names of algorithms, as the harness takes them and as Bouncy Castle calls them. */
final class Algorithms {
    private static final String COMPOSITE_ARC = "1.3.6.1.5.5.7.6.";
    private static final Map<String, String> CURVES = new LinkedHashMap<>();
    private static final Map<String, String> PURE = new LinkedHashMap<>();
    private static final String NIST_SIGNATURES = "2.16.840.1.101.3.4.3.";

    static {
        CURVES.put("ECDSA-P256", "1.2.840.10045.3.1.7");
        CURVES.put("ECDSA-P384", "1.3.132.0.34");
        CURVES.put("ECDSA-P521", "1.3.132.0.35");
        CURVES.put("ECDSA-brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7");
        CURVES.put("ECDSA-brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11");
        PURE.put("ML-DSA-44", NIST_SIGNATURES + 17);
        PURE.put("ML-DSA-65", NIST_SIGNATURES + 18);
        PURE.put("ML-DSA-87", NIST_SIGNATURES + 19);
        int next = 20;
        for (String hash : List.of("SHA2", "SHAKE")) {
            for (String size : List.of("128S", "128F", "192S", "192F", "256S", "256F")) {
                PURE.put("SLH-DSA-" + hash + "-" + size, NIST_SIGNATURES + next);
                next++;
            }
        }
    }

    private Algorithms() {}

    /** The harness's name for what a caller typed: an OID, an `id-` name or the name itself. */
    static String name(String typed) {
        String bare = typed.startsWith("id-") ? typed.substring(3) : typed;
        if (bare.startsWith(COMPOSITE_ARC)) {
            return compositeName(new ASN1ObjectIdentifier(bare));
        }
        for (Map.Entry<String, String> row : PURE.entrySet()) {
            if (row.getValue().equals(bare)) {
                return row.getKey();
            }
        }
        return bare;
    }

    private static String compositeName(ASN1ObjectIdentifier oid) {
        String name = CompositeIndex.getAlgorithmName(oid);
        if (name == null) {
            throw new IllegalArgumentException("algorithm " + oid + ": Bouncy Castle knows no composite of this OID");
        }
        return name;
    }

    static KeyPair generate(String typed) throws GeneralSecurityException {
        String name = name(typed);
        if (CURVES.containsKey(name)) {
            return pair("EC", new ECGenParameterSpec(CURVES.get(name)));
        }
        if (name.startsWith("RSA-")) {
            int bits = Integer.parseInt(name.split("-")[1]);
            return pair("RSA", new RSAKeyGenParameterSpec(bits, RSAKeyGenParameterSpec.F4));
        }
        return KeyPairGenerator.getInstance(name, "BC").generateKeyPair();
    }

    private static KeyPair pair(String family, AlgorithmParameterSpec spec) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(family, "BC");
        generator.initialize(spec);
        return generator.generateKeyPair();
    }

    /**
     * The JCA signature that a key of this AlgorithmIdentifier makes. RSA signs PKCS#1 v1.5 unless the caller
     * named a signature of its own, such as `SHA256withRSAandMGF1`.
     */
    static String signature(AlgorithmIdentifier key, String asked) {
        if (asked != null) {
            return asked;
        }
        String oid = key.getAlgorithm().getId();
        switch (oid) {
            case "1.2.840.113549.1.1.1":
                return "SHA256withRSA";
            case "1.2.840.113549.1.1.10":
                return "SHA256withRSAandMGF1";
            case "1.2.840.10045.2.1":
                return ecdsa(key.getParameters());
            case "1.3.101.112":
                return "Ed25519";
            case "1.3.101.113":
                return "Ed448";
            default:
                return name(oid);
        }
    }

    private static String ecdsa(ASN1Encodable curve) {
        return switch (curve.toString()) {
            case "1.3.132.0.34", "1.3.36.3.3.2.8.1.1.11" -> "SHA384withECDSA";
            case "1.3.132.0.35" -> "SHA512withECDSA";
            default -> "SHA256withECDSA";
        };
    }
}
