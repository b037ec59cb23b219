package org.kithlm.deploy.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.cluster.ClusterHome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code kith token revoke}. */
@Command(name = "revoke", description = "Take a join token back; devices that used it stay.")
final class TokenRevokeCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private TokenCommand parent;

  @SuppressWarnings("UnusedVariable") // found again by its name when the command fails
  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(paramLabel = "ID", description = "As kith token list shows it.")
  private String id;

  @Override
  public Integer call() throws IOException {
    if (!new ClusterHome(parent.kith().home()).tokens().revoke(id)) {
      throw new KithException(
          ExitCode.USAGE, "there is no join token '" + id + "'; see kith token list");
    }
    return ExitCode.OK.code();
  }
}
