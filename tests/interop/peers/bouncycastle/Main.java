import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Security;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * Bouncy Castle behind a pipe: one JSON request a line on standard input, one JSON answer a line on standard output.
 * `{"ok":true,…}` or `{"ok":false,"error":"…"}`. Binary values are base64 of DER. tests/interop/src/peers.rs lists
 * the commands.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> answer = new LinkedHashMap<>();
            try {
                answer.put("ok", true);
                answer.putAll(answer(Json.read(line)));
            } catch (Exception | LinkageError e) {
                // A malformed input may end in any exception of the library; that is a refusal like every other.
                answer.clear();
                answer.put("ok", false);
                answer.put("error", reason(e));
            }
            out.println(Json.write(answer));
        }
    }

    private static Map<String, Object> answer(Map<String, Object> fields) throws Exception {
        Request request = new Request(fields);
        String command = request.text("command");
        switch (command) {
            case "version":
                return Map.of("version", new BouncyCastleProvider().getVersionStr());
            case "verifyCert":
                Checks.certificate(request.bytes("cert"), request.bytes("issuer"));
                return Map.of();
            case "verifyCsr":
                Checks.request(request.bytes("csr"));
                return Map.of();
            case "verifyAlt":
                Checks.alternative(request.bytes("cert"), request.bytes("issuer"));
                return Map.of();
            case "path":
                Checks.path(request);
                return Map.of();
            case "makeRoot":
                return Maker.certificate(Maker.Kind.ROOT, request);
            case "makeIssuing":
                return Maker.certificate(Maker.Kind.ISSUING, request);
            case "makeLeaf":
                return Maker.certificate(Maker.Kind.LEAF, request);
            case "makeCsr":
                return Maker.request(request);
            case "makeAltCert":
                return Maker.alternative(request);
            case "makeOcspRequest":
                return Ocsp.ask(request);
            case "readOcspRequest":
                return Ocsp.readRequest(request);
            case "makeOcspResponse":
                return Ocsp.answer(request);
            case "checkOcsp":
                Ocsp.check(request);
                return Map.of();
            case "makeCrl":
                return Crls.make(request);
            case "checkCrl":
                Crls.check(request);
                return Map.of();
            case "pathCrl":
                Crls.path(request);
                return Map.of();
            case "checkOnline":
                return Online.check(request);
            case "loadKey":
                return loadKey(request);
            case "exportKey":
                return exportKey(request);
            case "verify":
                return verify(request);
            case "readPkcs12":
                return Containers.readPkcs12(request);
            case "makePkcs12":
                return Containers.makePkcs12(request);
            case "readPkcs7":
                return Containers.readPkcs7(request);
            case "makePkcs7":
                return Containers.makePkcs7(request);
            case "checkRelated":
                return Related.check(request);
            case "verifyRelatedCsr":
                return Related.verifyRequest(request);
            case "makeRelatedRequest":
                return Related.makeRequest(request);
            default:
                return Kem.answer(command, request);
        }
    }

    /** Reads a private key, signs `message` with it, and shows the public key that it implies. */
    private static Map<String, Object> loadKey(Request request) throws Exception {
        PrivateKey key = Keys.load(request.bytes("pkcs8"));
        SubjectPublicKeyInfo info = Keys.info(Keys.publicOf(key));
        String algorithm = Algorithms.signature(info.getAlgorithm(), request.text("signatureAlgorithm", null));
        byte[] signature = Keys.sign(key, algorithm, request.bytes("message"));
        return Map.of(
                "spki", Maker.encode(info.getEncoded()),
                "signatureAlgorithm", algorithm,
                "signature", Maker.encode(signature));
    }

    private static Map<String, Object> exportKey(Request request) throws Exception {
        PrivateKey key = request.has("pkcs8")
                ? Keys.load(request.bytes("pkcs8"))
                : Algorithms.generate(request.text("algorithm")).getPrivate();
        return Map.of(
                "pkcs8", Maker.encode(Keys.export(key, request.text("form", "seed"))),
                "spki", Maker.encode(Keys.publicOf(key).getEncoded()));
    }

    private static Map<String, Object> verify(Request request) throws Exception {
        PublicKey key = Keys.loadPublic(request.bytes("spki"));
        SubjectPublicKeyInfo info = SubjectPublicKeyInfo.getInstance(request.bytes("spki"));
        String algorithm = Algorithms.signature(info.getAlgorithm(), request.text("signatureAlgorithm", null));
        if (!Keys.verify(key, algorithm, request.bytes("message"), request.bytes("signature"))) {
            throw new SecurityException("signature: does not verify");
        }
        return Map.of();
    }

    private static String reason(Throwable e) {
        StringBuilder out = new StringBuilder();
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            out.append(out.isEmpty() ? "" : ": ")
                    .append(cause.getClass().getSimpleName())
                    .append(' ')
                    .append(cause.getMessage());
        }
        return out.toString();
    }
}
