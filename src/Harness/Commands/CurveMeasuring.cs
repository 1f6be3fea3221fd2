using Loadline.Checkpoints;
using Loadline.Harness.Curves;
using Loadline.Harness.Floors;
using Loadline.Harness.Output;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;

namespace Loadline.Harness.Commands;

/// <summary>Measures lines one after another into one curve.</summary>
internal sealed class CurveMeasuring(CurveFiles files, FloorView view, IContainerRuntime runtime)
{
    public string? Checkpoint { get; init; }

    public int? Passes { get; init; }

    public async Task<CurveFile> RunAsync(IReadOnlyList<(string Name, string What, Probed Probed)> asked, CancellationToken cancellation)
    {
        var begun = files.Begin();
        var here = RunEnvironment.Of(runtime);
        if (begun is not null && !begun.Environment.IsOnTheMachineOf(here))
            throw new InputException($"{files.Results}: was measured on another machine ({begun.Environment.Cores} cores, kernel {begun.Environment.Kernel}): name another file");
        var curve = begun ?? new CurveFile(CurveFile.CurrentSchema, here, []);
        curve.RefuseMore(files.Results, [.. asked.Select(line => line.Name)]);
        if (Checkpoint is not null)
        {
            // As it comes back from the file.
            var checkpoint = PrintableText.Escape(Checkpoint);
            if (curve.Checkpoint is { } other && (other, curve.Passes) != (checkpoint, Passes))
                throw new InputException($"{files.Results}: is the curve of {other} with {curve.Passes} uses: name another file");
            curve = curve with { Checkpoint = checkpoint, Passes = Passes };
        }

        foreach (var (index, (name, words, probed)) in asked.Index())
        {
            var what = PrintableText.Escape(words);
            var line = curve.Lines.FirstOrDefault(l => l.Name == name) ?? new CurveLine(name, what, []);
            if (line.What != what)
                throw new InputException($"{files.Results}: its line '{name}' is of {line.What}, not of {what}: name another file, or another line");
            view.Head($"{name}, {index + 1} of {asked.Count}{(line.IsComplete ? ": is there" : "")}");
            var run = new CurveRun(probed, new Prober(probed, view, cancellation), Keep);
            await run.RunAsync(line);
        }

        return curve;

        void Keep(CurveLine line)
        {
            curve = curve.With(line);
            if (files.Results is not null) curve.Write(files.Results);
        }
    }
}
