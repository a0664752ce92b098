import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import org.apache.tika.exception.TikaException;
import org.apache.tika.io.TikaInputStream;
import org.apache.tika.metadata.Metadata;
import org.apache.tika.parser.AutoDetectParser;
import org.apache.tika.sax.BodyContentHandler;
import org.xml.sax.SAXException;

/**
 * Apache Tika's parsers behind the one request of its server that is timed: PUT /tika with a file, answered by its text.
 *
 * <p>tika-server itself parses in a child process that it watches; here, for the sake of its speed, nothing is between.
 *
 * <p>usage: java -cp 'JARS/*' Tika.java PORT
 */
final class Tika {
    private static final AutoDetectParser PARSER = new AutoDetectParser();

    public static void main(String[] arguments) throws IOException {
        var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0]));
        HttpServer server = HttpServer.create(address, 0);
        server.createContext("/version", exchange -> answer(exchange, 200, "Apache Tika"));
        server.createContext("/tika", Tika::read);
        server.setExecutor(Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors()));
        server.start();
    }

    private static void read(HttpExchange exchange) throws IOException {
        var text = new BodyContentHandler(-1);
        int status = 200;
        try (InputStream file = TikaInputStream.get(exchange.getRequestBody())) {
            PARSER.parse(file, text, new Metadata());
        } catch (TikaException | SAXException | RuntimeException | StackOverflowError refused) {
            status = text.toString().isBlank() ? 422 : 200;
        }
        answer(exchange, status, text.toString());
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
