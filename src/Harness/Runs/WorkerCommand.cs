using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Forward;
using Loadline.Harness.Budgets;
using Loadline.Harness.Runtimes;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runs;

/// <summary>Turns a case into what a runtime runs.</summary>
internal static class WorkerCommand
{
    /// <summary>The run of a case on the checkpoint at an absolute path.</summary>
    /// <param name="budget">The case.</param>
    /// <param name="path">Where its checkpoint lies.</param>
    public static ContainerSpec Of(BudgetCase budget, string path) => new()
    {
        Command = ProgramOf(budget, path),
        IsWatched = !budget.Command.IsEmpty,
        IsOther = !budget.RunsWorker,
        CapBytes = budget.CapBytes,
        Mounts = [.. CheckpointPaths.WithLinks(path), .. Beside(path).Where(File.Exists), .. budget.Map is { } map && MapArguments.IsFile(map) ? [map] : Array.Empty<string>()],
        WritableMounts = budget.OffloadFolder is { } folder ? [folder] : [],
        Engine = budget.Engine ?? EngineNames.Native,
        Image = budget.Image,
        Folder = budget.RunsWorker || budget.Image is not null ? null : budget.Folder,
        Gpus = budget.GpuCount,
        Timeout = budget.Timeout,
    };

    /// <summary>The program of a case and its arguments; a first word of <see cref="ContainerSpec.Worker"/> stands for the worker.</summary>
    /// <param name="budget">The case.</param>
    /// <param name="path">Where its checkpoint lies, for the program.</param>
    public static IReadOnlyList<string> ProgramOf(BudgetCase budget, string path) => budget.Command.IsEmpty
        ? Worker(budget, path)
        : [.. budget.Command.Select(word => word == BudgetCase.WorkerProgram ? ContainerSpec.Worker : word.Replace("{checkpoint}", path, StringComparison.Ordinal))];

    private static List<string> Worker(BudgetCase budget, string path)
    {
        List<string> command = [ContainerSpec.Worker, path, "--strategy", budget.Strategy!, "--device", budget.Device!];
        Add("--model", budget.Model);
        command.AddRange(budget.Names.Arguments);
        foreach (var member in CaseMembers.All.Where(member => member.Option is not null)) Add(member.Option!, member.Argument!(budget));
        Add("--readers", budget.Readers?.ToString(CultureInfo.InvariantCulture));
        Add("--reads", budget.Reads == ReadMode.Auto ? null : budget.Reads.Name());
        Add("--offload-folder", budget.OffloadFolder);
        return command;

        void Add(string option, string? value)
        {
            if (value is not null) command.AddRange([option, value]);
        }
    }

    // Digests and logits that `make`, a fixture's script or another program recorded: without them, the worker has nothing to verify against but the file.
    private static IEnumerable<string> Beside(string path) =>
        [Digests.PathFor(path), Path.Combine(Path.GetDirectoryName(CheckpointPaths.Named(path)) ?? "/", "expected.json"), .. RecordedLogits.PathsFor(path)];
}
