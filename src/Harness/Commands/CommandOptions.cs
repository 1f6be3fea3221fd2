using System.CommandLine;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Kubernetes;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Strategies;

namespace Loadline.Harness.Commands;

/// <summary>Options that several commands share. A wrong value is one line that says what would be right.</summary>
internal static class CommandOptions
{
    // Whoever gives a file one of these names expects what is in such files.
    private static readonly string[] NeverWritten = ["gguf", "ggml", "onnx", "h5", "hdf5", "keras", "npz", "npy", "pdparams", "msgpack", "pb", "tflite", "pte"];

    /// <summary>A path. What looks like an option is none: the parser would otherwise take a misspelt option for a file.</summary>
    public static Argument<string> Path(string name, string description, ArgumentArity? arity = null)
    {
        var argument = new Argument<string>(name)
        {
            Description = description,
            Arity = arity ?? ArgumentArity.ExactlyOne,
            // The parser's own way to a text makes a table of all types that it can read.
            CustomParser = result => result.Tokens is [var token] ? token.Value : null,
        };
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && WhyNoPath(token.Value) is { } whyNot) result.AddError(whyNot);
        });
        return argument;
    }

    /// <summary>Several of them.</summary>
    public static Argument<string[]> Paths(string name, string description, ArgumentArity arity)
    {
        var argument = new Argument<string[]>(name) { Description = description, Arity = arity };
        argument.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                if (WhyNoPath(token.Value) is { } whyNot) result.AddError(whyNot);
            }
        });
        return argument;
    }

    private static string? WhyNoPath(string text) => text.Length == 0 ? "a path is empty: is a variable not set?" : LooksLikeOption(text) ? $"unknown option '{text}'" : null;

    public static bool LooksLikeOption(string text) => text.StartsWith("--", StringComparison.Ordinal);

    public static Option<string?> Strategy() => OneOf("--strategy", "how to load", "strategy", [.. StrategyCatalog.All.Select(s => s.Name)]);

    public static Option<string?> Engine() => OneOf("--engine", "who owns the memory of tensors", "engine", Known.Engines);

    public static Option<string?> Verify() => OneOf("--verify", "how to compare the weights after the load; digest takes up to 12 MiB more than a plan says", "verification", Known.Verifications);

    public static Option<string?> Reads() => OneOf(
        "--reads", "whether weights are read through the page cache; auto passes it by where the checkpoint is not in it", "read mode", Known.ReadModes);

    public static Option<string?> Format(string otherwise) =>
        OneOf("--format", $"the checkpoint's format; by default what the name ends in says, else {otherwise}", "format", CheckpointFormats.Writable);

    /// <summary>The format that is asked for, else the one that a path's extension names, else <paramref name="otherwise"/>.</summary>
    /// <exception cref="InputException">The extension is that of files that are not written.</exception>
    public static CheckpointFormat FormatOf(string? name, string path, CheckpointFormat otherwise = CheckpointFormat.Pth)
    {
        if (FormatNamed(name, path) is { } format) return format;
        if (path.EndsWith('/') && otherwise is not (CheckpointFormat.Sharded or CheckpointFormat.PerTensor))
            throw new InputException($"{path}: is the name of a folder: name a file, or what is in folders by --format");
        var extension = System.IO.Path.GetExtension(path).TrimStart('.');
        return name is null && NeverWritten.Contains(extension, StringComparer.OrdinalIgnoreCase)
            ? throw new InputException($"{path}: no {extension} is written: use {string.Join(", ", CheckpointFormats.Writable)}, by the name's end or by --format")
            : otherwise;
    }

    /// <summary>The format that is asked for, else the one that a path's extension names; null where neither does.</summary>
    public static CheckpointFormat? FormatNamed(string? name, string path)
    {
        var named = name ?? System.IO.Path.GetExtension(path).TrimStart('.').ToLowerInvariant();
        return CheckpointFormats.TryParse(named, out var format) && CheckpointFormats.Writable.Contains(format.Name()) ? format : null;
    }

    public static Option<string?> DType(string description, IReadOnlyList<string> known) => OneOf("--dtype", description, "dtype", known);

    /// <summary>The dtype of floating-point weights in memory.</summary>
    public static Option<string?> TargetDType() => Checked(
        "--dtype",
        "convert floating-point weights on the way: bfloat16, float16, float32, float64, or auto for that of the checkpoint's first; "
        + "for some names another, as in bfloat16,lm_head.*=float32",
        "DTYPE",
        Known.DTypeProblem);

    public static Option<string?> Runtime() => OneOf("--runtime", "what holds the cap; auto takes docker if it answers, else cgroup", "runtime", RuntimeChooser.Names);

    public static Option<string> Device() => Device("", Known.DeviceProblem);

    /// <summary>A device, or what else a command takes for one.</summary>
    public static Option<string> Device(string more, Func<string, string?> problemOf)
    {
        var option = Checked("--device", "cpu, a GPU as in cuda:0, or a simulated accelerator with its capacity, as in sim:4GiB" + more, "DEVICE", problemOf);
        option.DefaultValueFactory = _ => "cpu";
        return option!;
    }

    /// <summary>A word that is there or is not. No option of <see langword="bool"/>, of which the parser has nothing compiled: a command of 40 ms notices.</summary>
    public static Option<string?> Flag(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.Zero };

    /// <summary>A text that is refused with what is wrong with it.</summary>
    public static Option<string?> Checked(string name, string description, string helpName, Func<string, string?> problemOf) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (problemOf(text) is { } problem) result.AddError(problem);
            return text;
        },
    };

    /// <summary>A size, such as 512MiB.</summary>
    public static Option<long?> Size(string name, string description, long leastBytes = 1, params string[] aliases) => Size(name, description, leastBytes, long.MaxValue, aliases);

    private static Option<long?> Size(string name, string description, long leastBytes, long mostBytes, string[] aliases) => new(name, aliases)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (!ByteSize.TryParse(text, out var bytes)) result.AddError($"{name} {ByteSize.Problem(text)}");
            else if (bytes < leastBytes) result.AddError($"{name} {text} is too small: the least is {SizeText.InWords(leastBytes)}{Meant(text, leastBytes)}");
            else if (bytes > mostBytes) result.AddError($"{name} {text} is too large: the most is {SizeText.InWords(mostBytes)}");
            return bytes;
        },
    };

    // Whoever leaves the unit out thinks of MiB.
    private static string Meant(string text, long leastBytes) =>
        text.All(char.IsAsciiDigit) && ByteSize.TryParse(text + "MiB", out var bytes) && bytes >= leastBytes ? $"; did you mean {text}MiB?" : "";

    /// <summary>The ring of a streamed load.</summary>
    public static Option<long?> Ring() =>
        Size("--ring", "the host memory that a streamed load onto an accelerator goes through", LoadOptions.SmallestRingBytes, ReadSizes.LargestRingBytes, []);

    /// <summary>The heads of a forward.</summary>
    public static Option<int?> Heads() => Count("--heads", "the attention heads of each block in a forward; by default they are 64 wide");

    /// <summary>A number from 1 on.</summary>
    public static Option<int?> Count(string name, string description, int most = int.MaxValue) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            if (!int.TryParse(result.Tokens[0].Value, out var count) || count < 1 || count > most)
                result.AddError($"{name} '{result.Tokens[0].Value}' is not a number from 1 {(most == int.MaxValue ? "on" : $"to {most}")}");
            return count;
        },
    };

    /// <summary>The budget file.</summary>
    public static Option<string?> Budgets() => new("--budgets") { Description = "the budget file; by default budgets.json here, or the nearest above up to the repository's root", HelpName = "FILE" };

    /// <summary>Some of the cases of a budget file.</summary>
    public static Option<string?> Filter() => new("--filter") { Description = "only cases with this text in their name", HelpName = "TEXT" };

    /// <summary>The label of a run in a cluster.</summary>
    public static Option<string?> Run(string otherwise) => Checked(
        "--run",
        $"the run's name, which all of its objects have as the label {KubernetesNames.RunLabel}; by default {otherwise}",
        "NAME",
        text => KubernetesNames.IsLabelValue(text) ? null : $"'{text}' is no label: write at most 63 letters, digits, '-', '_' and '.'");

    /// <summary>The page to write.</summary>
    public static Option<string?> Html() => new("--html") { Description = "write a page that needs no network: tables and a timeline for each case", HelpName = "FILE" };

    /// <summary>One part of the cases.</summary>
    public static Option<Shard?> OneShard() => new("--shard")
    {
        Description = "run only this part of the cases, as in 2/4 for the second of four; `loadline report` puts the results of all together",
        HelpName = "N/M",
        CustomParser = result =>
        {
            try
            {
                return Shard.Parse(result.Tokens[0].Value);
            }
            catch (InputException e)
            {
                result.AddError($"--shard {e.Message}");
                return null;
            }
        },
    };

    /// <summary>Whether what stands in the way may be lost.</summary>
    public static Option<bool> Force() => new("--force") { Description = "replace what is there, even where it is no checkpoint, or the one that is read" };

    /// <summary>Markdown on standard output.</summary>
    public static Option<bool> Summary() => new("--summary") { Description = "print GitHub-flavoured markdown; in GitHub Actions it goes to the job's summary" };

    /// <summary>The hard limit of RAM of one run.</summary>
    public static Option<long?> Cap() =>
        Size("--cap", "the hard limit of RAM, without swap", leastBytes: BudgetReader.FloorBytes, "--ram");

    /// <summary>The RAM to plan for: what a load would be capped at.</summary>
    public static Option<long?> Ram(string otherwise) => Size("--ram", $"the RAM to plan for, as a cap would be; by default {otherwise}", leastBytes: 1, "--cap");

    /// <summary>One of several words.</summary>
    public static Option<string?> OneOf(string name, string description, string what, IReadOnlyList<string> known) => Checked(
        name,
        $"{description}: {string.Join(", ", known)}",
        what.ToUpperInvariant(),
        text => known.Contains(text) ? null : $"unknown {what} '{text}': known are {string.Join(", ", known)}");
}
