import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;

/** One request: its fields by name, each either there with the right type or an error that names it. */
final class Request {
    private final Map<String, Object> fields;

    Request(Map<String, Object> fields) {
        this.fields = fields;
    }

    boolean has(String name) {
        return fields.get(name) != null;
    }

    String text(String name) {
        Object value = fields.get(name);
        if (!(value instanceof String)) {
            throw new IllegalArgumentException("field " + name + ": a string is needed, found " + value);
        }
        return (String) value;
    }

    String text(String name, String otherwise) {
        return has(name) ? text(name) : otherwise;
    }

    byte[] bytes(String name) {
        return Base64.getDecoder().decode(text(name));
    }

    List<String> texts(String name) {
        Object value = fields.get(name);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?>)) {
            throw new IllegalArgumentException("field " + name + ": a list is needed, found " + value);
        }
        return ((List<?>) value).stream().map(Object::toString).toList();
    }

    List<byte[]> manyBytes(String name) {
        return texts(name).stream().map(Base64.getDecoder()::decode).toList();
    }

    boolean flag(String name) {
        return Boolean.TRUE.equals(fields.get(name));
    }

    Integer number(String name) {
        return has(name) ? Integer.valueOf(fields.get(name).toString()) : null;
    }

    /** A moment in RFC 3339; now, when the request names none. */
    Date moment(String name) {
        return has(name) ? Date.from(Instant.parse(text(name))) : new Date();
    }
}
