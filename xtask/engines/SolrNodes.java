// Starts a cluster of Solr nodes with their ZooKeeper in one process, from the jars of the project. In: a folder for their
// data, and a port for each node, of which only the number counts; the folder of the configuration that new collections get
// is the property `vizsla.configuration`. Out: a line `ready PORT PORT ...`; the nodes stop when standard input ends.
// `stop N` on standard input stops node N alone, as if its machine had gone.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.List;
import org.apache.solr.cloud.MiniSolrCloudCluster;
import org.apache.solr.embedded.JettyConfig;
import org.apache.solr.embedded.JettySolrRunner;

public final class SolrNodes {
    public static void main(String[] arguments) throws Exception {
        Path data = Path.of(arguments[0]);
        Path configuration = Path.of(System.getProperty("vizsla.configuration"));
        System.setProperty("solr.log.dir", data.resolve("logs").toString());
        JettyConfig jetty = JettyConfig.builder().setContext("/solr").build();
        MiniSolrCloudCluster cluster = new MiniSolrCloudCluster(arguments.length - 1, data.resolve("nodes"), jetty);
        cluster.uploadConfigSet(configuration, "_default");
        List<JettySolrRunner> nodes = List.copyOf(cluster.getJettySolrRunners());
        StringBuilder ready = new StringBuilder("ready");
        for (JettySolrRunner node : nodes) {
            ready.append(' ').append(node.getLocalPort());
        }
        System.out.println(ready);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            if (line.startsWith("stop ")) {
                nodes.get(Integer.parseInt(line.substring(5).trim())).stop();
                System.out.println("stopped");
            }
        }
        cluster.shutdown();
        System.exit(0);
    }
}
