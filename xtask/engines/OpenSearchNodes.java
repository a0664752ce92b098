// Starts a cluster of OpenSearch nodes in one process, from the jars of the project. In: a folder for their data, and a
// port for each node by which the others reach it; the folder of their modules and plugins is the property vizsla.home.
// Out: a line `ready PORT PORT ...` with the HTTP port of each; the nodes stop when standard input ends.
// `stop N` on standard input stops node N alone, as if its machine had gone.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.Node;

public final class OpenSearchNodes {
    private static final class HttpNode extends Node {
        HttpNode(Environment environment) {
            super(environment, List.of(), false);
        }

        String http() {
            return String.valueOf(injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress().getPort());
        }
    }

    public static void main(String[] arguments) throws Exception {
        Path data = Path.of(arguments[0]);
        int count = arguments.length - 1;
        List<String> seeds = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            seeds.add("127.0.0.1:" + arguments[i + 1]);
            names.add("node-" + i);
        }
        List<HttpNode> nodes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Path own = data.resolve(names.get(i));
            own.resolve("config").toFile().mkdirs();
            Settings settings = Settings.builder()
                    .put("cluster.name", "vizsla-" + arguments[1])
                    .put("node.name", names.get(i))
                    .put("path.home", System.getProperty("vizsla.home"))
                    .put("path.data", own.resolve("data").toString())
                    .put("path.logs", own.resolve("logs").toString())
                    .put("network.host", "127.0.0.1")
                    .put("http.port", "0")
                    .put("transport.port", arguments[i + 1])
                    .put("transport.type", "netty4")
                    .put("http.type", "netty4")
                    .put("cluster.routing.allocation.disk.threshold_enabled", "false")
                    .putList("discovery.seed_hosts", seeds)
                    .putList("cluster.initial_cluster_manager_nodes", names)
                    .build();
            HttpNode node = new HttpNode(new Environment(settings, own.resolve("config")));
            nodes.add(node);
        }
        List<Thread> starting = new ArrayList<>();
        for (HttpNode node : nodes) {
            Thread thread = new Thread(() -> {
                try {
                    node.start();
                } catch (Exception error) {
                    error.printStackTrace();
                    System.exit(1);
                }
            });
            thread.start();
            starting.add(thread);
        }
        StringBuilder ready = new StringBuilder("ready");
        for (int i = 0; i < count; i++) {
            starting.get(i).join();
            ready.append(' ').append(nodes.get(i).http());
        }
        System.out.println(ready);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            if (line.startsWith("stop ")) {
                nodes.get(Integer.parseInt(line.substring(5).trim())).close();
                System.out.println("stopped");
            }
        }
        for (HttpNode node : nodes) {
            node.close();
        }
        System.exit(0);
    }
}
