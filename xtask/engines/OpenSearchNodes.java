// Starts a cluster of OpenSearch nodes in one process, from the jars of the project. In: a folder for their data, and a
// port for each node by which the others reach it. Out: a line `ready PORT PORT ...` with the HTTP port of each; the nodes stop when standard input ends.
// `stop N` on standard input stops node N alone, as if its machine had gone.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

public final class OpenSearchNodes {
    private static final List<Class<? extends Plugin>> MODULES =
            List.of(Netty4Plugin.class, CommonAnalysisPlugin.class, ReindexPlugin.class);

    private static final class ModuleNode extends Node {
        ModuleNode(Environment environment) {
            super(environment, MODULES, false);
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
        List<ModuleNode> nodes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Path home = data.resolve(names.get(i));
            home.resolve("config").toFile().mkdirs();
            Settings settings = Settings.builder()
                    .put("cluster.name", "vizsla-" + arguments[1])
                    .put("node.name", names.get(i))
                    .put("path.home", home.toString())
                    .put("network.host", "127.0.0.1")
                    .put("http.port", "0")
                    .put("transport.port", arguments[i + 1])
                    .put("transport.type", "netty4")
                    .put("http.type", "netty4")
                    .put("cluster.routing.allocation.disk.threshold_enabled", "false")
                    .putList("discovery.seed_hosts", seeds)
                    .putList("cluster.initial_cluster_manager_nodes", names)
                    .build();
            ModuleNode node = new ModuleNode(new Environment(settings, home.resolve("config")));
            nodes.add(node);
        }
        List<Thread> starting = new ArrayList<>();
        for (ModuleNode node : nodes) {
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
        for (ModuleNode node : nodes) {
            node.close();
        }
        System.exit(0);
    }
}
