using System.CommandLine;
using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Harness.Curves;
using Loadline.Harness.Floors;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Harness.Services;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline curve</c>: time and rereads against the cap, for strategies and programs, as a table, JSON and a picture.</summary>
internal static class CurveCommand
{
    /// <summary>The first use reads what nobody has read before; two more show what each one costs.</summary>
    private const int Passes = 3;

    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("PATH", "the checkpoint, a file or a folder", ArgumentArity.ZeroOrOne);
        var strategies = CommandOptions.Checked(
            "--strategies", $"only these, with commas between them: {string.Join(", ", StrategyCatalog.All.Select(s => s.Name))}", "LIST", Problem);
        var (device, runtime, loading) = (CommandOptions.Device(), CommandOptions.Runtime(), new LoadingOptions());
        var name = new Option<string?>("--name") { Description = "what COMMAND is called in the picture; by default its command line", HelpName = "TEXT" };
        var results = new Option<string?>("--results")
        {
            Description = "keep the curve in this file while it is measured; where it is there, go on with it: what it has is not measured again, and a COMMAND is another line in it",
            HelpName = "FILE",
        };
        var svg = new Option<string?>("--svg") { Description = "draw it", HelpName = "FILE" };
        var html = new Option<string?>("--html") { Description = "write a page that needs no network: the picture and the table", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "print the curve as JSON" };
        var command = new Command(
            "curve",
            "Draw what loads take under one cap after another: where they are killed, where they live and read everything again, where they are at ease; or what any "
            + $"program takes: curve {ProgramOptions.Usage}")
        {
            path, strategies, device, runtime, loading.Engine, loading.DType, loading.Ring, name, results, svg, html, json,
        };
        var passes = new PassOptions($"{Passes}").AddTo(command, areImplied: true);
        var program = new ProgramOptions().AddTo(command);
        var names = new NameOptions().AddTo(command);
        command.Check(result =>
        {
            if (result.GetResult(path) is { Tokens: [var token] } && CommandOptions.LooksLikeOption(token.Value)) return;
            var own = result.GetValue(path) is not null;
            if (own && program.AreGiven(result)) result.AddError("give a checkpoint or a program behind --, not both");
            else if (!own && !program.AreGiven(result) && result.GetResult(results) is null)
                result.AddError("name a checkpoint, or a program behind --, or a curve that is there by --results");
            else if (own && result.GetResult(name) is not null) result.AddError("--name is what a program is called: strategies have names");
            else if (result.GetValue(passes.Passes) == 1) result.AddError("--passes 1 tells nothing of what is read again: the least is 2");
        });
        command.SetAction(async (parse, cancellation) =>
        {
            var files = new CurveFiles(parse.GetValue(results), parse.GetValue(svg), parse.GetValue(html));
            files.Refuse();
            var runtimeName = parse.GetValue(runtime) ?? RuntimeChooser.Auto;
            var view = FloorView.Of(services.Console, services.Out, services.Error, parse.GetValue(json));
            var curve = parse.GetValue(path) is { } checkpoint ? await LoadsAsync(checkpoint)
                : program.Of(parse) is { } other ? await ProgramAsync(other)
                : files.Begin() ?? throw new InputException($"{parse.GetValue(results)}: there is no such file: name a checkpoint, or a program behind --");
            files.Draw(curve);
            if (parse.GetValue(json)) Print(curve, services.Out);
            else services.Out.WriteLine(CurveText.Of(curve));
            // No line is no answer; the reason of each stands in the table.
            return curve.Lines.Any(line => line.Problem is null) ? ExitCodes.Loaded : ExitCodes.Infrastructure;

            async Task<CurveFile> LoadsAsync(string checkpoint)
            {
                var options = loading.Apply(parse, new LoadOptions { Device = Device.Parse(parse.GetValue(device)!), Names = names.Of(parse) });
                var choice = passes.Of(parse, Passes);
                CheckpointCache.RefuseMemory(Path.GetFullPath(checkpoint), services.MemoryOf);
                // What says whether another curve can go on with a line: a name alone stays when the file under it is exchanged.
                string weights;
                using (var taken = Checkpoint.Open(checkpoint, options.Names))
                {
                    weights = string.Create(CultureInfo.InvariantCulture, $"{taken.Entries.Count} tensors of {taken.StorageBytes} bytes");
                }

                await using var opened = await services.OpenWithAsync(runtimeName, options.Engine, cancellation);
                var measured = new CurveMeasuring(files, view, opened) { Checkpoint = Path.GetFileName(checkpoint.TrimEnd('/')), Passes = choice.Count };
                var ramBytes = services.RamLimitBytes() / ByteSize.MiB * ByteSize.MiB;
                var asked = parse.GetValue(strategies)?.Split(',') ?? [.. StrategyCatalog.All.Select(s => s.Name)];
                return await view.ShowAsync(() => measured.RunAsync([.. asked.Select(strategy =>
                {
                    var (reference, plannedBytes) = FloorCommand.Reference(checkpoint, options with { Strategy = strategy }, choice, ramBytes);
                    var what = $"{reference.Subject}, {weights}, {choice.Count} uses ({choice.Use ?? "read"}), engine {options.Engine}{(options.DType is { } dtype ? $" as {dtype}" : "")}, ring {options.RingBytes}, readers {options.Readers}";
                    return (strategy, what, Probed.Load(reference, Path.GetFullPath(checkpoint), new CaseRunner(opened), plannedBytes));
                })], cancellation));
            }

            async Task<CurveFile> ProgramAsync(OtherProgram other)
            {
                if (other.WhyNot(runtimeName) is { } whyNot) throw new InputException(whyNot);
                await using var opened = await services.OpenRuntime(other.RuntimeName, "", cancellation);
                if (other.Image is { } image && await opened.WhyNoImageAsync(image, cancellation) is { } whyNoImage)
                    throw new InputException(whyNoImage);
                var called = parse.GetValue(name) is { } given ? OtherProgram.NameOf(given) : other.Name;
                var what = $"{string.Join(' ', other.Command.Select(ShellWord.Quoted))}{(other.Image is null ? "" : $" in {other.Image}")}";
                var measured = new CurveMeasuring(files, view, opened);
                return await view.ShowAsync(() => measured.RunAsync([(called, what, Probed.Program(other, opened, services.RamLimitBytes()))], cancellation));
            }
        });
        return command;
    }

    private static string? Problem(string list) => list.Split(',').FirstOrDefault(name => StrategyCatalog.All.All(s => s.Name != name)) is { } unknown
        ? $"unknown strategy '{unknown}': known are {string.Join(", ", StrategyCatalog.All.Select(s => s.Name))}"
        : null;

    private static void Print(CurveFile curve, TextWriter output)
    {
        using (var stream = new WriterStream(output)) curve.WriteTo(stream);
        output.WriteLine();
    }
}
