using System.Globalization;

namespace Loadline.Harness.Budgets;

/// <summary>One of the parts that the cases of a run are cut into, for a machine each.</summary>
/// <param name="Number">Which, from 1.</param>
/// <param name="Count">How many there are.</param>
internal sealed record Shard(int Number, int Count)
{
    /// <summary>The most parts of one run.</summary>
    public const int Most = 1000;

    /// <summary>Whether it is one: a number from 1 to the count of parts, and no more parts than <see cref="Most"/>.</summary>
    public bool IsSound => Number >= 1 && Number <= Count && Count <= Most;

    /// <summary>Reads <c>2/4</c>.</summary>
    /// <exception cref="InputException">It is something else; the message begins with the text.</exception>
    public static Shard Parse(string text) => TryParse(text) ?? throw new InputException($"'{text}' is no shard: write 2/4 for the second of four, up to {Most}");

    /// <summary>The same; null where it is something else.</summary>
    public static Shard? TryParse(string text)
    {
        var parts = text.Split('/', 3);
        var shard = parts.Length == 2 && Whole(parts[0], out var number) && Whole(parts[1], out var count) ? new Shard(number, count) : null;
        return shard is { IsSound: true } ? shard : null;

        static bool Whole(string part, out int value) => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>As it is written: <c>2/4</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Number}/{Count}");
}
