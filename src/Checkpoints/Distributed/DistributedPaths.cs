using System.Globalization;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Distributed;

/// <summary>
/// The ways into a state dict that a <c>.metadata</c> keeps in <c>planner_data</c>. The planner that makes one file of the folder follows them, and puts a tensor where
/// its way leads. As they are written, the steps with dots between them are the name. Source: torch/distributed/checkpoint/_nested_dict.py of PyTorch 2.6.
/// </summary>
internal sealed class DistributedPaths(SourceFile file)
{
    private readonly Dictionary<string, PickleTuple> _steps = [];

    private Ledger Ledger => file.Ledger;

    /// <summary>Refuses ways that lead elsewhere than to the names, or over one another.</summary>
    /// <exception cref="CheckpointException">They do.</exception>
    public void Require(object paths)
    {
        foreach (var (key, path) in PickleLooks.PairsOf(paths as PickleDictionary ?? throw Refuse("keeps planner data that is no dictionary"), Ledger))
        {
            if (key is not string name || path is not PickleTuple steps) throw Refuse("keeps planner data that is no name and the way to it");
            Ledger.Work(1 + steps.Count + name.Length / 8);
            if (!Leads(steps, name)) throw Refuse($"says that '{name}' lies under another name in its state dict");
            _steps[name] = steps;
        }

        foreach (var (name, steps) in _steps) RequireEnds(name, steps);
    }

    // Whatever ends on the way to another would be put over that, or the other into it.
    private void RequireEnds(string name, PickleTuple steps)
    {
        var ways = _steps.GetAlternateLookup<ReadOnlySpan<char>>();
        var length = 0;
        for (var count = 1; count < steps.Count; count++)
        {
            length += Text(steps, count - 1)!.Length + (count == 1 ? 0 : 1);
            Ledger.Work(1 + length / 8);
            if (ways.TryGetValue(name.AsSpan(0, length), out var other) && other.Count == count && AreSame(steps, other))
                throw Refuse($"puts '{name}' into what is a tensor or value itself");
        }
    }

    private static bool AreSame(PickleTuple longer, PickleTuple shorter)
    {
        for (var i = 0; i < shorter.Count; i++)
        {
            if (Text(longer, i) != Text(shorter, i)) return false;
        }

        return true;
    }

    private static bool Leads(PickleTuple steps, ReadOnlySpan<char> name)
    {
        for (var i = 0; i < steps.Count; i++)
        {
            if (i > 0)
            {
                if (name is not ['.', ..]) return false;
                name = name[1..];
            }

            if (Text(steps, i) is not { } step || !name.StartsWith(step)) return false;
            name = name[step.Length..];
        }

        return steps.Count > 0 && name.IsEmpty;
    }

    // Keys are texts and places in lists numbers; one that counts from the end would be another's.
    private static string? Text(PickleTuple steps, int index) => steps.Items[index] switch
    {
        string key => key,
        long place and >= 0 => place.ToString(CultureInfo.InvariantCulture),
        _ => null,
    };

    private CheckpointException Refuse(string problem) => file.Refuse(CheckpointError.Malformed, problem);
}
