using System.CommandLine;
using System.CommandLine.Parsing;
using Loadline.Harness.Budgets;
using Loadline.Harness.Runs;

namespace Loadline.Harness.Commands;

/// <summary>What commands take that run a program of anybody's: its words behind <c>--</c>, an image, what it sees there.</summary>
internal sealed class ProgramOptions
{
    /// <summary>
    /// Behind <c>--</c> a parser would take words for whatever argument comes first, and expand those that begin with @. So each reaches it as the value of
    /// this option, which nobody types.
    /// </summary>
    private const string WordOption = "--command-word";

    /// <summary>How the program stands in a usage line.</summary>
    public const string Usage = "[--image IMAGE] [--mount PATH]... -- COMMAND...";

    private readonly Option<string[]> _words = new(WordOption) { Hidden = true, Arity = ArgumentArity.ZeroOrMore };

    public Option<string?> Image { get; } = new("--image") { Description = "run COMMAND in this image of Docker's; without one it runs on this machine, in a cgroup", HelpName = "IMAGE" };

    public Option<string[]> Mounts { get; } = new("--mount") { Description = "a file or folder that COMMAND sees in its image, read-only, under the same absolute path; may be repeated", HelpName = "PATH" };

    public Option<int?> Gpus { get; } = CommandOptions.Count("--gpus", "how many GPUs COMMAND gets in its image");

    public Option<string?> Timeout { get; } = CommandOptions.Checked(
        "--timeout", "when COMMAND is ended, as in 90s or 10min; by default 10min", "TIME", text => DurationText.TryParse(text, out _) ? null : $"--timeout '{text}' is not a time such as 90s or 10min");

    /// <summary>Puts the words behind <c>--</c> where the commands that take a program find them; other command lines stay as they are.</summary>
    public static string[] Rewrite(Command root, string[] args)
    {
        var dashes = Array.IndexOf(args, "--");
        return dashes < 1 ? args : Rewrite(root, args, dashes);
    }

    private static string[] Rewrite(Command root, string[] args, int dashes)
    {
        if (root.Subcommands.FirstOrDefault(c => c.Name == args[0]) is not { } command || !AreOf(command)) return args;
        // With a character before it: an empty word would not be there at all.
        return [.. args[..dashes], .. args[(dashes + 1)..].Select(word => $"{WordOption}=.{word}")];
    }

    /// <summary>Whether a command takes a program.</summary>
    public static bool AreOf(Command command) => command.Options.Any(option => option.Name == WordOption);

    /// <summary>Adds the options to a command.</summary>
    public ProgramOptions AddTo(Command command)
    {
        foreach (var option in new Option[] { Image, Mounts, Gpus, Timeout, _words }) command.Options.Add(option);
        command.Check(result =>
        {
            var first = new Option[] { Image, Mounts, Gpus, Timeout }.FirstOrDefault(option => result.GetResult(option) is { Implicit: false });
            if (!AreGiven(result) && first is not null) result.AddError($"{first.Name} needs a program behind --, as in -- python3 load.py");
            else if (result.GetValue(Image) is null && result.GetResult(Mounts) is not null) result.AddError("--mount needs --image: without one COMMAND sees all of this machine");
            else if (result.GetValue(Image) is null && result.GetResult(Gpus) is not null) result.AddError("--gpus needs --image: without one COMMAND sees all GPUs of this machine");
            else if (result.GetValue(Mounts)?.FirstOrDefault(IsContainersOwn) is { } own) result.AddError($"--mount {own}: a container has its own: name files or folders in it");
            else if (result.GetValue(Mounts)?.FirstOrDefault(path => !Path.Exists(path)) is { } missing) result.AddError($"--mount {missing}: there is no such file or folder");
        });
        return this;
    }

    private static bool IsContainersOwn(string path) => path.Length > 0 && Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)) is "/" or "/proc" or "/sys" or "/dev";

    /// <summary>Whether there is a program behind <c>--</c>.</summary>
    public bool AreGiven(CommandResult result) => result.GetResult(_words) is { Tokens.Count: > 0 };

    /// <summary>The program; null where there is none.</summary>
    public OtherProgram? Of(ParseResult parse) => parse.GetValue(_words) is not { Length: > 0 } words ? null : new OtherProgram
    {
        Command = [.. words.Select(word => word[1..])],
        Image = parse.GetValue(Image),
        Mounts = [.. (parse.GetValue(Mounts) ?? []).Select(Path.GetFullPath)],
        Gpus = parse.GetValue(Gpus) ?? 0,
        Timeout = parse.GetValue(Timeout) is { } text && DurationText.TryParse(text, out var timeout) ? timeout : TimeSpan.FromMinutes(10),
    };
}
