namespace Loadline.Checkpoints.Pth;

/// <summary>
/// Names that are taken. Two different places of a checkpoint may have one dotted name, as <c>{"a.b": …}</c> and <c>{"a": {"b": …}}</c>: then the dots of a
/// key are written <c>\.</c>, which keeps the plain name for the place that has it by its structure; where that does not tell them apart, the later one is
/// numbered, as in <c>1~2</c>.
/// </summary>
internal sealed class TensorNames(int capacity)
{
    private readonly Dictionary<string, Owner> _taken = new(capacity);
    private readonly Dictionary<string, int> _numbers = [];

    /// <summary>Takes a name, or another one where it is taken; null where the same key of the same dictionary takes it twice, or the same module.</summary>
    /// <param name="name">The dotted name.</param>
    /// <param name="place">Where the tensor stands.</param>
    /// <param name="index">What <paramref name="rename"/> calls it by; negative for what is not renamed.</param>
    /// <param name="rename">Gives an earlier one another name.</param>
    public string? Take(string name, StateDictWalk.Place place, int index, Action<int, string>? rename)
    {
        if (_taken.TryAdd(name, new Owner(index, place))) return name;
        var (earlier, other) = _taken[name];
        // Of two in its state_dict() one would be lost: which, PyTorch's order says.
        if (place.Module is not null && ReferenceEquals(place.Module, other.Module)) return null;
        if (place.Parent is not null && ReferenceEquals(place.Parent, other.Parent) && Equals(place.Key, other.Key)) return null;

        var escaped = Escaped(name, place);
        // (Names of a module are its state_dict's, and stay.)
        if (ReferenceEquals(escaped, name) && other.Module is null && Escaped(name, other) is var freed && !ReferenceEquals(freed, name) && earlier >= 0 && rename is not null)
        {
            rename(earlier, Free(freed, earlier, other));
            _taken[name] = new Owner(index, place);
            return name;
        }

        return Free(escaped, index, place);
    }

    private static string Escaped(string name, StateDictWalk.Place place) => place.KeyStart < name.Length && name.IndexOf('.', place.KeyStart) >= 0
        ? name[..place.KeyStart] + name[place.KeyStart..].Replace(".", "\\.", StringComparison.Ordinal)
        : name;

    private string Free(string name, int index, StateDictWalk.Place place)
    {
        var free = Numbered(name, _numbers, _taken.ContainsKey);
        _taken.Add(free, new Owner(index, place));
        return free;
    }

    /// <summary>The name, or, where it is taken, the first that is not of <c>NAME~2</c>, <c>NAME~3</c> and so on.</summary>
    /// <param name="name">The name.</param>
    /// <param name="numbers">The last number of each name so far; of thousands with one name each would look through all before it.</param>
    /// <param name="isTaken">Whether a name is.</param>
    public static string Numbered(string name, Dictionary<string, int> numbers, Func<string, bool> isTaken)
    {
        var free = name;
        while (isTaken(free))
        {
            var number = numbers.GetValueOrDefault(name, 1) + 1;
            numbers[name] = number;
            free = FormattableString.Invariant($"{name}~{number}");
        }

        return free;
    }

    // A class: the dictionary of a struct would be compiled when a process first loads.
    private sealed record Owner(int Index, StateDictWalk.Place Place);
}
