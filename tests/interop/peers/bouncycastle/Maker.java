import java.math.BigInteger;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectAltPublicKeyInfo;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509ExtensionUtils;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;

/** Roots, issuing CAs, leaves and requests as Bouncy Castle makes them. */
final class Maker {
    /** What a certificate is for; it decides basicConstraints and key usage. */
    enum Kind {
        ROOT,
        ISSUING,
        LEAF
    }

    private static final long DAY_MILLISECONDS = 86_400_000L;

    private Maker() {}

    static Map<String, Object> certificate(Kind kind, Request request) throws Exception {
        Map<String, Object> answer = new LinkedHashMap<>();
        SubjectPublicKeyInfo subjectKey;
        PrivateKey ownKey = null;
        if (request.has("spki")) {
            subjectKey = SubjectPublicKeyInfo.getInstance(request.bytes("spki"));
        } else if (request.has("csr")) {
            subjectKey = new PKCS10CertificationRequest(request.bytes("csr")).getSubjectPublicKeyInfo();
        } else {
            KeyPair pair = pair(request, "key", "algorithm");
            ownKey = pair.getPrivate();
            subjectKey = Keys.info(pair.getPublic());
            answer.put("key", encode(Keys.export(ownKey, request.text("form", "seed"))));
        }
        PrivateKey issuerKey = kind == Kind.ROOT ? ownKey : Keys.load(request.bytes("issuerKey"));
        X509CertificateHolder issuer =
                kind == Kind.ROOT ? null : new X509CertificateHolder(request.bytes("issuerCert"));
        SubjectPublicKeyInfo issuerInfo = issuer == null ? subjectKey : issuer.getSubjectPublicKeyInfo();
        X509v3CertificateBuilder builder = builder(kind, request, issuer, subjectKey, issuerInfo);
        ContentSigner signer = signer(issuerKey, issuerInfo, request.text("signatureAlgorithm", null));
        answer.put("spki", encode(subjectKey.getEncoded()));
        answer.put("cert", encode(builder.build(signer).getEncoded()));
        return answer;
    }

    /** A certificate with an alternative key and an alternative signature; a root, unless an issuer is given. */
    static Map<String, Object> alternative(Request request) throws Exception {
        KeyPair main = pair(request, "key", "algorithm");
        KeyPair other = pair(request, "altKey", "altAlgorithm");
        boolean root = !request.has("issuerCert");
        Kind kind = root ? Kind.ROOT : request.flag("ca") ? Kind.ISSUING : Kind.LEAF;
        X509CertificateHolder issuer = root ? null : new X509CertificateHolder(request.bytes("issuerCert"));
        SubjectPublicKeyInfo subjectKey = Keys.info(main.getPublic());
        SubjectPublicKeyInfo issuerInfo = root ? subjectKey : issuer.getSubjectPublicKeyInfo();
        X509v3CertificateBuilder builder = builder(kind, request, issuer, subjectKey, issuerInfo);
        builder.addExtension(
                Extension.subjectAltPublicKeyInfo,
                false,
                new SubjectAltPublicKeyInfo(Keys.info(other.getPublic())));
        PrivateKey issuerKey = root ? main.getPrivate() : Keys.load(request.bytes("issuerKey"));
        PrivateKey issuerAltKey = root ? other.getPrivate() : Keys.load(request.bytes("issuerAltKey"));
        ContentSigner signer = signer(issuerKey, issuerInfo, request.text("signatureAlgorithm", null));
        ContentSigner altSigner = signer(issuerAltKey, Keys.info(Keys.publicOf(issuerAltKey)), null);
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("cert", encode(builder.build(signer, false, altSigner).getEncoded()));
        answer.put("key", encode(Keys.export(main.getPrivate(), "seed")));
        answer.put("altKey", encode(Keys.export(other.getPrivate(), "seed")));
        return answer;
    }

    static Map<String, Object> request(Request request) throws Exception {
        KeyPair pair = pair(request, "key", "algorithm");
        SubjectPublicKeyInfo info = Keys.info(pair.getPublic());
        PKCS10CertificationRequestBuilder builder =
                new PKCS10CertificationRequestBuilder(new X500Name(request.text("subject", "CN=peer.test")), info);
        if (!request.texts("dns").isEmpty()) {
            ExtensionsGenerator extensions = new ExtensionsGenerator();
            extensions.addExtension(Extension.subjectAlternativeName, false, names(request));
            builder.addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate());
        }
        ContentSigner signer = signer(pair.getPrivate(), info, request.text("signatureAlgorithm", null));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("csr", encode(builder.build(signer).getEncoded()));
        answer.put("key", encode(Keys.export(pair.getPrivate(), request.text("form", "seed"))));
        answer.put("spki", encode(info.getEncoded()));
        return answer;
    }

    /** The key given in the field `keyField`, or a fresh one of the algorithm in `algorithmField`. */
    private static KeyPair pair(Request request, String keyField, String algorithmField) throws Exception {
        if (request.has(keyField)) {
            PrivateKey key = Keys.load(request.bytes(keyField));
            return new KeyPair(Keys.publicOf(key), key);
        }
        return Algorithms.generate(request.text(algorithmField));
    }

    private static X509v3CertificateBuilder builder(
            Kind kind,
            Request request,
            X509CertificateHolder issuer,
            SubjectPublicKeyInfo subjectKey,
            SubjectPublicKeyInfo issuerKey)
            throws Exception {
        X500Name subject = new X500Name(request.text("subject", "CN=Bouncy Castle " + kind));
        // Backdated by a day so that a certificate made now is valid now on every clock.
        Date from = request.has("notBefore")
                ? request.moment("notBefore")
                : new Date(System.currentTimeMillis() - DAY_MILLISECONDS);
        Date until = request.has("notAfter")
                ? request.moment("notAfter")
                : new Date(System.currentTimeMillis() + 365 * DAY_MILLISECONDS);
        BigInteger serial = new BigInteger(158, new SecureRandom()).setBit(158);
        X500Name issuerName = issuer == null ? subject : issuer.getSubject();
        X509v3CertificateBuilder builder =
                new X509v3CertificateBuilder(issuerName, serial, from, until, subject, subjectKey);
        X509ExtensionUtils identifiers = new JcaX509ExtensionUtils();
        if (kind == Kind.LEAF) {
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
            builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
            builder.addExtension(
                    Extension.extendedKeyUsage,
                    false,
                    new ExtendedKeyUsage(new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth}));
        } else {
            Integer pathLength = request.number("pathLength");
            BasicConstraints constraints =
                    pathLength == null ? new BasicConstraints(true) : new BasicConstraints(pathLength);
            builder.addExtension(Extension.basicConstraints, true, constraints);
            builder.addExtension(
                    Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
        }
        if (!request.texts("dns").isEmpty()) {
            builder.addExtension(Extension.subjectAlternativeName, false, names(request));
        }
        builder.addExtension(
                Extension.subjectKeyIdentifier, false, identifiers.createSubjectKeyIdentifier(subjectKey));
        builder.addExtension(
                Extension.authorityKeyIdentifier,
                false,
                issuer == null
                        ? identifiers.createAuthorityKeyIdentifier(issuerKey)
                        : identifiers.createAuthorityKeyIdentifier(issuer));
        return builder;
    }

    private static GeneralNames names(Request request) {
        List<GeneralName> names = new ArrayList<>();
        for (String name : request.texts("dns")) {
            names.add(new GeneralName(GeneralName.dNSName, name));
        }
        return new GeneralNames(names.toArray(new GeneralName[0]));
    }

    static ContentSigner signer(PrivateKey key, SubjectPublicKeyInfo info, String asked) throws Exception {
        return new JcaContentSignerBuilder(Algorithms.signature(info.getAlgorithm(), asked))
                .setProvider("BC")
                .build(key);
    }

    static String encode(byte[] der) {
        return Base64.getEncoder().encodeToString(der);
    }
}
