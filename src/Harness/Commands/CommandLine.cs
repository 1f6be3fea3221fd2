using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Cuda;
using Loadline.DeviceMaps;
using Loadline.Gauges;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Services;
using Loadline.Measuring;
using Loadline.Tensors;

namespace Loadline.Harness.Commands;

/// <summary>Runs a command line, and turns whatever goes wrong into one line on standard error and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>128 + SIGINT, as shells count.</summary>
    private const int Interrupted = 130;

    private static readonly TimeSpan SayingGrace = TimeSpan.FromSeconds(2);

    // A word that begins with @ is a file's name as any other, and no file of further words: whoever names files with * would have a stranger's say.
    private static readonly ParserConfiguration Words = new() { ResponseFileTokenReplacer = null };

    /// <summary>
    /// Runs it to its end on this thread. Not an asynchronous method, and without the parser's own, which would link tokens and handle signals: what makes a
    /// task of either is compiled when it starts.
    /// </summary>
    public static int Run(Command root, string[] args, HarnessServices services, CancellationToken cancellation)
    {
        try
        {
            // Whoever types nothing more wants to know what there is.
            var parse = root.Parse(args.Length == 0 ? ["--help"] : ProgramOptions.Rewrite(root, args), Words);
            if (parse.Action is ParseErrorAction || NoName(parse) is not null) return Refuse(parse, services.Error);
            return parse.Action is AsynchronousCommandLineAction command ? command.InvokeAsync(parse, cancellation).GetAwaiter().GetResult() : Synchronous(parse, services);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Say("loadline: interrupted; nothing is left running");
            return Interrupted;
        }
        catch (Exception e)
        {
            var (code, message) = e switch
            {
                CheckpointException or InputException or DeviceMapException or EngineUnavailableException or TakenNameException =>
                    (ExitCodes.Refused, PrintableText.Escape(e.Message)),
                NoProgramException => (ExitCodes.Refused, e.Message),
                // .NET's own words for it name nothing.
                FileNotFoundException { FileName: null } when IsFolderGone() => (ExitCodes.Infrastructure, "the current folder is gone, or another has its name by now: change into one that is there"),
                GaugeException or CudaException or IOException or UnauthorizedAccessException => (ExitCodes.Infrastructure, PrintableText.Escape(e.Message)),
                OutOfMemoryException => (ExitCodes.Infrastructure, "there is not as much memory as this takes, or as .NET may use: raise its limit"),
                // Its reasons stand on lines of their own, each of them escaped.
                RuntimeException => (ExitCodes.Infrastructure, e.Message),
                // A bug, and the only place for a stack trace. Not exit code 1, which says that all was judged and a budget was missed: docs/gate.md.
                _ => (ExitCodes.Infrastructure, $"internal error: {e}"),
            };
            Say($"loadline: {message}");
            return code;
        }

        // Where it cannot be said, as on a full disk, the exit code still tells.
        void Say(string what)
        {
            // Who reads standard error may take nothing any more: somebody who has interrupted this does not wait for it.
            var said = Task.Run(() => services.Error.WriteLine(what), CancellationToken.None);
            try
            {
                said.Wait(cancellation.IsCancellationRequested ? (int)SayingGrace.TotalMilliseconds : Timeout.Infinite, CancellationToken.None);
            }
            catch (AggregateException e) when (e.InnerException is IOException)
            {
            }
        }
    }

    // Removed, or exchanged for what a conversion wrote.
    private static bool IsFolderGone()
    {
        try
        {
            return Directory.GetCurrentDirectory().Length == 0;
        }
        catch (FileNotFoundException)
        {
            return true;
        }
    }

    // Help, the version, and commands that wait for nothing.
    private static int Synchronous(ParseResult parse, HarnessServices services) =>
        parse.Invoke(new InvocationConfiguration { Output = services.Out, Error = services.Error, EnableDefaultExceptionHandler = false });

    /// <summary>What is wrong with a word where one of several commands was expected; null where that is not what is wrong.</summary>
    private static string? NoCommand(ParseResult parse)
    {
        var commands = parse.CommandResult.Command.Subcommands;
        if (commands.Count == 0 || parse.UnmatchedTokens is not [var word, ..] || word.StartsWith('-')) return null;
        return $"there is no command '{PrintableText.Escape(word)}'{(Misspelt.NearestTo(word, [.. commands.Select(c => c.Name)]) is { } near ? $": did you mean {near}?" : "")}";
    }

    /// <summary>Which word looks like an option and is none; null where none does. The parser may take it for an argument, and complain of the value behind it.</summary>
    private static string? NoOption(ParseResult parse)
    {
        var names = parse.CommandResult.Command.Options.Where(option => !option.Hidden).SelectMany(option => option.Aliases.Prepend(option.Name)).ToList();
        if (parse.Tokens.FirstOrDefault(IsUnknown) is not { } token) return null;
        var word = token.Value.Split('=')[0];
        return $"unknown option '{PrintableText.Escape(word)}'{(Misspelt.NearestTo(word, names) is { } near ? $": did you mean {near}?" : "")}";

        bool IsUnknown(Token token) => token.Type == TokenType.Argument && CommandOptions.LooksLikeOption(token.Value) && !names.Contains(token.Value);
    }

    /// <summary>Which option has an empty value, as where a variable of a shell is not set; null where none has.</summary>
    private static string? NoName(ParseResult parse)
    {
        foreach (var child in parse.CommandResult.Children)
        {
            // Every name has nothing in it.
            if (child is OptionResult { Option: { Name: not "--filter" } option } && HasEmpty(child)) return $"{option.Name} has an empty value: is a variable not set?";
        }

        return null;
    }

    private static bool HasEmpty(SymbolResult result)
    {
        foreach (var token in result.Tokens)
        {
            if (token.Value.Length == 0) return true;
        }

        return false;
    }

    // "budgets init": all that leads to the command but the program itself.
    private static IEnumerable<string> Names(CommandResult? result) =>
        result?.Parent is null ? [] : [.. Names(result.Parent as CommandResult), result.Command.Name];

    private static int Refuse(ParseResult parse, TextWriter error)
    {
        var name = string.Concat(Names(parse.CommandResult).Select(word => word + " "));
        var problem = NoCommand(parse) ?? NoOption(parse) ?? NoName(parse) ?? parse.Errors[0].Message.ReplaceLineEndings(" ").TrimEnd('.');
        if (parse.UnmatchedTokens.Count > 0 && problem.StartsWith("Unrecognized", StringComparison.Ordinal) && ProgramOptions.AreOf(parse.CommandResult.Command))
            problem += ": a program and its words stand behind --, as in -- python3 load.py";
        error.WriteLine($"loadline: {problem}; see `loadline {name}--help`");
        return ExitCodes.Refused;
    }
}
