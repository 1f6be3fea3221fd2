using System.Globalization;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Distributed;

/// <summary>
/// The ways into a state dict that a <c>.metadata</c> keeps in <c>planner_data</c>. The planner that makes one file of the folder follows them, and puts a tensor where
/// its way leads; what has none it puts at the top, under its name. As they are written, the steps with dots between them are the name. All ranks' ways are in one
/// dictionary, also those of names that were not saved: nobody follows these. Source: torch/distributed/checkpoint/_nested_dict.py and default_planner.py of PyTorch 2.6.
/// </summary>
internal sealed class DistributedPaths(SourceFile file)
{
    // A step's entry in a table that grows, and its place in a list; the text of one that is a number.
    private const int BytesPerStep = 200;
    private const int ComparedPerStep = 8;
    private const int Top = 0;

    // Each place that ways pass by its number, which name led there first, and which one ends there: whatever their length, ways are compared a step at a time, once.
    private readonly Dictionary<(int From, string Step, bool IsText), int> _places = [];
    private readonly List<(string First, string? End)> _names = [("", null)];

    private Ledger Ledger => file.Ledger;

    /// <summary>Refuses ways that lead elsewhere than to the names, or over one another.</summary>
    /// <param name="paths">What is kept.</param>
    /// <param name="names">What is there, and whether it is no tensor.</param>
    /// <returns>Values that others lie in, each with one of these. An empty dictionary may be one: of another rank's optimizer, which had nothing in it yet.</returns>
    /// <exception cref="CheckpointException">They do.</exception>
    public Dictionary<string, string> Require(object paths, IReadOnlyDictionary<string, bool> names)
    {
        var kept = paths as PickleDictionary ?? throw Refuse("keeps planner data that is no dictionary");
        foreach (var (key, path) in PickleLooks.PairsOf(kept, Ledger))
        {
            if (key is not string || path is not PickleTuple) throw Refuse("keeps planner data that is no name and the way to it");
        }

        var around = new Dictionary<string, string>();
        foreach (var name in names.Keys)
        {
            foreach (var (end, inside) in Enter(name, (PickleTuple?)kept.Find(name, Ledger)))
            {
                if (!names[end]) throw Refuse($"puts '{inside}' into '{end}', which is a tensor");
                around.TryAdd(end, inside);
            }
        }

        Ledger.Refund(BytesPerStep * (_names.Count - 1L));
        return around;
    }

    // Whatever ends on the way to another would be put over that, or the other into it. Of several that it ends in, the last: that one has met those around it itself.
    private IEnumerable<(string End, string Inside)> Enter(string name, PickleTuple? steps)
    {
        if (steps is not null && !Leads(steps, name)) throw Refuse($"says that '{name}' lies under another name in its state dict");
        var (place, end, last) = (Top, (string?)null, (steps?.Count ?? 1) - 1);
        for (var i = 0; i <= last; i++)
        {
            // A place in a list is no key of a dictionary, whatever its text.
            var step = (place, Walked(steps is null ? name : Text(steps, i)!), steps is null || steps.Items[i] is string);
            if (!_places.TryGetValue(step, out place))
            {
                Ledger.Charge(BytesPerStep);
                _places.Add(step, place = _names.Count);
                _names.Add((name, null));
            }

            if (i < last) end = _names[place].End ?? end;
        }

        var first = _names[place].First;
        _names[place] = (first, name);
        if (end is not null) yield return (end, name);
        if (first != name) yield return (name, first);
    }

    private string Walked(string step)
    {
        Ledger.Work(1 + step.Length / ComparedPerStep);
        return step;
    }

    private bool Leads(PickleTuple steps, ReadOnlySpan<char> name)
    {
        Ledger.Work(1 + steps.Count + name.Length / ComparedPerStep);
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
