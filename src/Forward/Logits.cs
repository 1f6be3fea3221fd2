namespace Loadline.Forward;

/// <summary>What a forward computes: for each position of the input a number for each token.</summary>
internal sealed class Logits(Matrix values)
{
    private const int TopCount = 5;

    public int Positions => values.Rows;

    public int Vocabulary => values.Columns;

    /// <summary>The logits of a position.</summary>
    public ReadOnlySpan<float> this[int position] => values[position];

    /// <summary>Position and index of the first logit that is infinite or no number, or null.</summary>
    public (int Position, int Index)? FirstNotFinite()
    {
        for (var i = 0; i < values.Values.Length; i++)
        {
            if (!float.IsFinite(values.Values[i])) return Math.DivRem(i, values.Columns);
        }

        return null;
    }

    /// <summary>The five largest of the last position, the largest first.</summary>
    public IReadOnlyList<TopLogit> Top()
    {
        var last = values[values.Rows - 1].ToArray();
        return [.. Enumerable.Range(0, last.Length).OrderByDescending(index => last[index]).Take(TopCount).Select(index => new TopLogit(index, last[index]))];
    }
}
