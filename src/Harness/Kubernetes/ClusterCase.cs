using System.Text;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Harness.Budgets;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Strategies;

namespace Loadline.Harness.Kubernetes;

/// <summary>A case as a pod runs it: paths are those in the pod, and nothing of this machine is in it.</summary>
internal sealed record ClusterCase
{
    /// <summary>Where pods have the checkpoints: in a volume, or in the image itself.</summary>
    public const string CheckpointFolder = "/checkpoints";

    /// <summary>Where they have the file of a device map.</summary>
    public const string MapFolder = "/maps";

    /// <summary>A map's file in <see cref="MapFolder"/>.</summary>
    public const string MapFile = "map.json";

    /// <summary>The case.</summary>
    public required BudgetCase Case { get; init; }

    /// <summary>The file or folder of its checkpoint in <see cref="CheckpointFolder"/>.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>The program and its arguments; a first word of <see cref="ContainerSpec.Worker"/> stands for the image's own program.</summary>
    public required IReadOnlyList<string> Program { get; init; }

    /// <summary>The text of its device map; null where no file has one.</summary>
    public string? Map { get; init; }

    /// <summary>Whether the image's own program runs.</summary>
    public bool IsWorker => Case.RunsWorker;

    /// <summary>Whether that program tells of itself in the worker's words: of any other, what it prints in their form says nothing.</summary>
    public bool TellsItself => Case.Command.IsEmpty;

    /// <summary>The program in place of the image's own; null where that runs.</summary>
    public IReadOnlyList<string>? Command => IsWorker ? null : [Program[0]];

    /// <summary>What the program gets.</summary>
    public IReadOnlyList<string> Arguments => [.. Program.Skip(1)];

    /// <summary>The cases of a budget file, in its order.</summary>
    /// <exception cref="InputException">Two checkpoints have the same name in the folder, or a map cannot be read.</exception>
    public static IReadOnlyList<ClusterCase> Of(BudgetFile file)
    {
        var names = file.Checkpoints.Values.ToDictionary(source => source.Name, NameOf);
        if (names.CountBy(n => n.Value).FirstOrDefault(n => n.Value > 1).Key is { } twice)
        {
            var sources = names.Where(n => n.Value == twice).Select(n => $"'{n.Key}'");
            throw new InputException(
                $"{file.Path}: checkpoints {string.Join(" and ", sources)} are both {twice} in {CheckpointFolder}: give one of the files another name");
        }

        return [.. file.Cases.Select(budget => Of(file.Path, budget, names[budget.Checkpoint]))];
    }

    private static ClusterCase Of(string path, BudgetCase budget, string checkpoint)
    {
        var map = budget.Map is { } given && MapArguments.IsFile(given) ? given : null;
        var placed = map is null ? budget : budget with { Map = $"{MapFolder}/{MapFile}" };
        return new ClusterCase
        {
            Case = budget,
            Checkpoint = checkpoint,
            Program = WorkerCommand.ProgramOf(placed, $"{CheckpointFolder}/{checkpoint}"),
            Map = map is null ? null : TextOf(map, $"{path}:{budget.Line}: case '{budget.Name}'"),
        };
    }

    // Of a path only the last part: what lies where on this machine says nothing of a cluster.
    private static string NameOf(CheckpointSource source)
    {
        if (source is GeneratedCheckpoint made) return made.Recipe.FileName;
        var path = ((CheckpointAt)source).Path.TrimEnd('/');
        var whole = CheckpointPaths.Whole(path);
        return whole == path ? Path.GetFileName(path) : $"{Path.GetFileName(whole)}/{Path.GetFileName(path)}";
    }

    private static string TextOf(string map, string place)
    {
        try
        {
            return Encoding.UTF8.GetString(WholeFile.Read(map));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{place}: {map}: cannot be read: {e.Message}");
        }
    }
}
