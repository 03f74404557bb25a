import java.io.ByteArrayInputStream;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERBMPString;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.oiw.OIWObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CRLHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.CMSAbsentContent;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.pkcs.PKCS12PfxPduBuilder;
import org.bouncycastle.pkcs.PKCS12SafeBag;
import org.bouncycastle.pkcs.PKCS12SafeBagBuilder;
import org.bouncycastle.pkcs.jcajce.JcePKCS12MacCalculatorBuilder;
import org.bouncycastle.pkcs.jcajce.JcePKCSPBEOutputEncryptorBuilder;
import org.bouncycastle.util.Selector;

/** PKCS#12 files and PKCS#7 bags. */
final class Containers {
    private static final int ITERATIONS = 4_096;

    private Containers() {}

    /** The entries of a file, by a key store of `provider`: BC, or Java's own SUN behind `keytool`. */
    static Map<String, Object> readPkcs12(Request request) throws Exception {
        char[] password = request.text("password").toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12", request.text("provider", "BC"));
        store.load(new ByteArrayInputStream(request.bytes("file")), password);
        List<Object> entries = new ArrayList<>();
        for (String alias : Collections.list(store.aliases())) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("alias", alias);
            List<Object> chain = new ArrayList<>();
            if (store.isKeyEntry(alias)) {
                Key key = store.getKey(alias, password);
                entry.put("key", Maker.encode(key.getEncoded()));
                for (Certificate certificate : store.getCertificateChain(alias)) {
                    chain.add(Maker.encode(certificate.getEncoded()));
                }
            } else {
                chain.add(Maker.encode(store.getCertificate(alias).getEncoded()));
            }
            entry.put("chain", chain);
            entries.add(entry);
        }
        return Map.of("entries", entries);
    }

    /** A file with `key` and `certs`, in BER unless `der`; `old` by 3DES and SHA-1 instead of AES-256 and SHA-256. */
    static Map<String, Object> makePkcs12(Request request) throws Exception {
        char[] password = request.text("password").toCharArray();
        boolean old = request.flag("old");
        List<PKCS12SafeBag> certificates = new ArrayList<>();
        DEROctetString id = new DEROctetString(new byte[] {1, 2, 3, 4});
        for (byte[] der : request.manyBytes("certs")) {
            PKCS12SafeBagBuilder bag = new PKCS12SafeBagBuilder(new X509CertificateHolder(der));
            if (certificates.isEmpty()) {
                bag.addBagAttribute(PKCSObjectIdentifiers.pkcs_9_at_localKeyId, id);
            }
            certificates.add(bag.build());
        }
        PrivateKeyInfo info = PrivateKeyInfo.getInstance(request.bytes("key"));
        PKCS12SafeBagBuilder key = new PKCS12SafeBagBuilder(info, encryptor(old, password));
        key.addBagAttribute(PKCSObjectIdentifiers.pkcs_9_at_friendlyName, new DERBMPString(request.text("alias")));
        key.addBagAttribute(PKCSObjectIdentifiers.pkcs_9_at_localKeyId, id);
        PKCS12PfxPduBuilder file = new PKCS12PfxPduBuilder();
        file.addEncryptedData(encryptor(old, password), certificates.toArray(new PKCS12SafeBag[0]));
        file.addData(key.build());
        ASN1ObjectIdentifier digest = old ? OIWObjectIdentifiers.idSHA1 : NISTObjectIdentifiers.id_sha256;
        JcePKCS12MacCalculatorBuilder mac = new JcePKCS12MacCalculatorBuilder(digest);
        mac.setProvider("BC").setIterationCount(ITERATIONS);
        byte[] encoded = file.build(mac, password).getEncoded(request.flag("der") ? "DER" : "BER");
        return Map.of("file", Maker.encode(encoded));
    }

    private static OutputEncryptor encryptor(boolean old, char[] password) throws Exception {
        ASN1ObjectIdentifier cipher = old
                ? PKCSObjectIdentifiers.pbeWithSHAAnd3_KeyTripleDES_CBC
                : NISTObjectIdentifiers.id_aes256_CBC;
        AlgorithmIdentifier prf = new AlgorithmIdentifier(PKCSObjectIdentifiers.id_hmacWithSHA256, DERNull.INSTANCE);
        return new JcePKCSPBEOutputEncryptorBuilder(cipher)
                .setProvider("BC")
                .setPRF(prf)
                .setIterationCount(ITERATIONS)
                .build(password);
    }

    /** The certificates and lists of a bag. */
    static Map<String, Object> readPkcs7(Request request) throws Exception {
        CMSSignedData bag = new CMSSignedData(request.bytes("file"));
        List<Object> certificates = new ArrayList<>();
        for (X509CertificateHolder holder : bag.getCertificates().getMatches((Selector<X509CertificateHolder>) null)) {
            certificates.add(Maker.encode(holder.getEncoded()));
        }
        List<Object> lists = new ArrayList<>();
        for (X509CRLHolder holder : bag.getCRLs().getMatches((Selector<X509CRLHolder>) null)) {
            lists.add(Maker.encode(holder.getEncoded()));
        }
        return Map.of("certs", certificates, "crls", lists);
    }

    /** A bag of `certs`, in BER. */
    static Map<String, Object> makePkcs7(Request request) throws Exception {
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        for (byte[] der : request.manyBytes("certs")) {
            generator.addCertificate(new X509CertificateHolder(der));
        }
        return Map.of("file", Maker.encode(generator.generate(new CMSAbsentContent()).getEncoded()));
    }
}
