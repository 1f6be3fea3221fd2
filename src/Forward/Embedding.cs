namespace Loadline.Forward;

/// <summary>As <c>torch.nn.Embedding</c>: a row of the table for each index. Only these rows are read.</summary>
internal static class Embedding
{
    public static Matrix Of(IReadOnlyList<int> indices, Module table, int width)
    {
        var rows = new Matrix(indices.Count, width);
        for (var i = 0; i < indices.Count; i++) table.Row("weight", indices[i], width).CopyTo(rows[i]);
        return rows;
    }
}
