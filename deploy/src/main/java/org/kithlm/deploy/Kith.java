package org.kithlm.deploy;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.URLConnection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.kithlm.deploy.cli.BenchCommand;
import org.kithlm.deploy.cli.ChatCommand;
import org.kithlm.deploy.cli.DoctorCommand;
import org.kithlm.deploy.cli.FailureReport;
import org.kithlm.deploy.cli.JoinCommand;
import org.kithlm.deploy.cli.ListCommand;
import org.kithlm.deploy.cli.LocalCommand;
import org.kithlm.deploy.cli.LogsCommand;
import org.kithlm.deploy.cli.ModelCommand;
import org.kithlm.deploy.cli.NodeCommand;
import org.kithlm.deploy.cli.PsCommand;
import org.kithlm.deploy.cli.PullCommand;
import org.kithlm.deploy.cli.RmCommand;
import org.kithlm.deploy.cli.ShowCommand;
import org.kithlm.deploy.cli.SupportBundleCommand;
import org.kithlm.deploy.cli.TokenCommand;
import org.kithlm.deploy.cli.TopCommand;
import org.kithlm.deploy.cli.UpCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ScopeType;

/** The kith command. Sub-commands reach what they share as their parent. */
@Command(
    name = "kith",
    description = "One large model, run by the devices you own.",
    mixinStandardHelpOptions = true,
    versionProvider = Kith.Version.class,
    scope = ScopeType.INHERIT,
    subcommands = {
      LocalCommand.class,
      UpCommand.class,
      JoinCommand.class,
      PsCommand.class,
      TopCommand.class,
      LogsCommand.class,
      SupportBundleCommand.class,
      TokenCommand.class,
      NodeCommand.class,
      ChatCommand.class,
      PullCommand.class,
      ListCommand.class,
      ShowCommand.class,
      RmCommand.class,
      ModelCommand.class,
      BenchCommand.class,
      DoctorCommand.class
    })
public final class Kith {
  private final Map<String, String> environment;

  private Kith(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] args) {
    URLConnection.setDefaultUseCaches("jar", false); // what they keep takes 5 MB of the heap
    System.exit(
        run(
            List.of(args),
            System.getenv(),
            new PrintWriter(System.out, true, System.out.charset()),
            new PrintWriter(System.err, true, System.err.charset())));
  }

  /**
   * Runs a command.
   *
   * @param environment stands for that of the process
   * @param out for the answer
   * @param err for everything else
   * @return the exit code, see {@link ExitCode}
   */
  public static int run(
      List<String> args, Map<String, String> environment, PrintWriter out, PrintWriter err) {
    FailureReport failures = new FailureReport();
    return new CommandLine(new Kith(environment))
        .setOut(out)
        .setErr(err)
        .setExecutionStrategy(FailureReport::execute)
        .setParameterExceptionHandler(failures)
        .setExecutionExceptionHandler(failures)
        .execute(args.toArray(String[]::new));
  }

  /** The folder of the user's state. */
  public KithHome home() {
    return KithHome.of(environment);
  }

  /** The environment of the process. */
  public Map<String, String> environment() {
    return environment;
  }

  /** What {@code --version} prints. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      Properties build = new Properties();
      try (InputStream resource =
          Objects.requireNonNull(Kith.class.getResourceAsStream("build.properties"))) {
        build.load(resource);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return new String[] {"kith " + build.getProperty("version")};
    }
  }
}
