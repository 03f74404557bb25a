import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.RSAPublicKeySpec;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.jcajce.CompositePrivateKey;
import org.bouncycastle.jcajce.CompositePublicKey;
import org.bouncycastle.jcajce.interfaces.EdDSAPrivateKey;
import org.bouncycastle.jcajce.interfaces.MLDSAPrivateKey;
import org.bouncycastle.jcajce.interfaces.SLHDSAPrivateKey;
import org.bouncycastle.jce.interfaces.ECPrivateKey;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.jce.spec.ECPublicKeySpec;

/** Private keys in PKCS#8: read, written, and the public key that belongs to one. */
final class Keys {
    private Keys() {}

    static PrivateKey load(byte[] pkcs8) throws IOException {
        PrivateKey key = BouncyCastleProvider.getPrivateKey(PrivateKeyInfo.getInstance(pkcs8));
        if (key == null) {
            throw new IOException("key: Bouncy Castle has no reader for this PKCS#8 algorithm");
        }
        return key;
    }

    static PublicKey loadPublic(byte[] spki) throws IOException {
        PublicKey key = BouncyCastleProvider.getPublicKey(SubjectPublicKeyInfo.getInstance(spki));
        if (key == null) {
            throw new IOException("spki: Bouncy Castle has no reader for this algorithm");
        }
        return key;
    }

    /** PKCS#8 bytes; ML-DSA keys in the form asked for: `seed` (the default of the harness), `both` or `expanded`. */
    static byte[] export(PrivateKey key, String form) {
        if (key instanceof MLDSAPrivateKey mldsa) {
            return switch (form) {
                case "seed" -> mldsa.getPrivateKey(true).getEncoded();
                case "expanded" -> mldsa.getPrivateKey(false).getEncoded();
                case "both" -> mldsa.getEncoded();
                default -> throw new IllegalArgumentException("form " + form + ": seed, both or expanded is allowed");
            };
        }
        return key.getEncoded();
    }

    static PublicKey publicOf(PrivateKey key) throws GeneralSecurityException {
        if (key instanceof CompositePrivateKey composite) {
            List<PrivateKey> halves = composite.getPrivateKeys();
            return new CompositePublicKey(
                    composite.getAlgorithmIdentifier(), publicOf(halves.get(0)), publicOf(halves.get(1)));
        } else if (key instanceof MLDSAPrivateKey mldsa) {
            return mldsa.getPublicKey();
        } else if (key instanceof SLHDSAPrivateKey slhdsa) {
            return slhdsa.getPublicKey();
        } else if (key instanceof EdDSAPrivateKey eddsa) {
            return eddsa.getPublicKey();
        } else if (key instanceof RSAPrivateCrtKey rsa) {
            return KeyFactory.getInstance("RSA", "BC")
                    .generatePublic(new RSAPublicKeySpec(rsa.getModulus(), rsa.getPublicExponent()));
        } else if (key instanceof ECPrivateKey ec) {
            return KeyFactory.getInstance("EC", "BC")
                    .generatePublic(new ECPublicKeySpec(
                            ec.getParameters().getG().multiply(ec.getD()), ec.getParameters()));
        }
        throw new IllegalArgumentException("key: no public key can be derived from " + key.getClass().getName());
    }

    static SubjectPublicKeyInfo info(PublicKey key) {
        return SubjectPublicKeyInfo.getInstance(key.getEncoded());
    }

    static byte[] sign(PrivateKey key, String algorithm, byte[] message) throws GeneralSecurityException {
        Signature signature = Signature.getInstance(algorithm, "BC");
        signature.initSign(key);
        signature.update(message);
        return signature.sign();
    }

    static boolean verify(PublicKey key, String algorithm, byte[] message, byte[] signed)
            throws GeneralSecurityException {
        Signature signature = Signature.getInstance(algorithm, "BC");
        signature.initVerify(key);
        signature.update(message);
        return signature.verify(signed);
    }
}
