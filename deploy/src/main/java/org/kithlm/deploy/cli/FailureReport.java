package org.kithlm.deploy.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.model.gguf.GgufException;
import org.kithlm.model.pack.PackException;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/** The one place that turns a failure into a line on standard error and an exit code. */
public final class FailureReport implements IParameterExceptionHandler, IExecutionExceptionHandler {

  @Override
  public int handleParseException(ParameterException failure, String[] args) {
    CommandLine command = failure.getCommandLine();
    command
        .getErr()
        .println(
            "kith: "
                + oneLine(String.valueOf(failure.getMessage()))
                + "; see "
                + command.getCommandSpec().qualifiedName()
                + " --help");
    return ExitCode.USAGE.code();
  }

  @Override
  public int handleExecutionException(
      Exception failure, CommandLine command, ParseResult fullParseResult) {
    command.getErr().println("kith: " + oneLine(message(failure)));
    var common = command.getCommandSpec().mixins().get(CommonOptions.MIXIN);
    if (common != null && ((CommonOptions) common.userObject()).debug()) {
      failure.printStackTrace(command.getErr());
    }
    ExitCode exitCode = failure instanceof KithException known ? known.exitCode() : ExitCode.OTHER;
    return exitCode.code();
  }

  /** Runs a command such that an error of the JVM, too, is reported and ends the process. */
  public static int execute(ParseResult parsed) {
    try {
      return new RunLast().execute(parsed);
    } catch (Error e) {
      throw new ExecutionException(parsed.asCommandLineList().getLast(), e.toString(), e);
    }
  }

  /** The classes of most failures say more than their messages. */
  private static String message(Exception failure) {
    String message = failure.getMessage();
    return switch (failure) {
      case KithException known -> String.valueOf(message);
      case ExecutionException error -> String.valueOf(message);
      case NoSuchFileException missing -> missing.getFile() + " does not exist";
      case AccessDeniedException denied -> denied.getFile() + " may not be accessed";
      case FileSystemException other -> String.valueOf(message);
      case InterruptedException interrupt -> "interrupted";
      case PackException own -> String.valueOf(message);
      case GgufException own -> String.valueOf(message);
      default -> failure.getClass().getSimpleName() + (message == null ? "" : ": " + message);
    };
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
