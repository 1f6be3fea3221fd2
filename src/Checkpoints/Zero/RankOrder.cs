namespace Loadline.Checkpoints.Zero;

/// <summary>
/// Names in the order of <c>zero_to_fp32.py</c>, whose weights are those of the ranks in a row: digits in them count as numbers, so that rank 10 comes behind rank 9.
/// </summary>
internal sealed class RankOrder : IComparer<string>
{
    public static RankOrder Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        ReadOnlySpan<char> one = x, other = y;
        while (!one.IsEmpty && !other.IsEmpty)
        {
            var texts = Take(ref one, digits: false).SequenceCompareTo(Take(ref other, digits: false));
            if (texts != 0) return texts;
            if (one.IsEmpty || other.IsEmpty) break;
            ReadOnlySpan<char> number = Take(ref one, digits: true).TrimStart('0'), second = Take(ref other, digits: true).TrimStart('0');
            var numbers = number.Length != second.Length ? number.Length - second.Length : number.SequenceCompareTo(second);
            if (numbers != 0) return numbers;
        }

        return one.Length.CompareTo(other.Length);
    }

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest, bool digits)
    {
        var length = digits ? rest.IndexOfAnyExceptInRange('0', '9') : rest.IndexOfAnyInRange('0', '9');
        var taken = length < 0 ? rest : rest[..length];
        rest = rest[taken.Length..];
        return taken;
    }
}
