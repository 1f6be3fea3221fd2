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
        // In one pass: a vocabulary may have millions.
        var last = values[values.Rows - 1];
        var top = new List<TopLogit>(TopCount + 1);
        for (var index = 0; index < last.Length; index++)
        {
            if (top.Count == TopCount && last[index] <= top[^1].Logit) continue;
            var value = last[index];
            var place = top.FindIndex(t => value > t.Logit);
            top.Insert(place < 0 ? top.Count : place, new TopLogit(index, value));
            if (top.Count > TopCount) top.RemoveAt(TopCount);
        }

        return top;
    }
}
