using System.Numerics.Tensors;

namespace Loadline.Forward;

/// <summary>The article's MultiHeadAttention, without dropout.</summary>
internal static class Attention
{
    public static Matrix Apply(Matrix x, Module att, int heads)
    {
        var (queries, keys, values) = (Linear.Apply(x, att["W_query"]), Linear.Apply(x, att["W_key"]), Linear.Apply(x, att["W_value"]));
        var mask = Mask(att, x.Rows);
        var context = new Matrix(x.Rows, x.Columns);
        var width = x.Columns / heads;
        for (var head = 0; head < heads; head++)
        {
            for (var position = 0; position < x.Rows; position++) Attend(queries, keys, values, mask, position, head * width, width, context);
        }

        return Linear.Apply(context, att["out_proj"]);
    }

    private static void Attend(
        Matrix queries, Matrix keys, Matrix values, Matrix mask, int position, int start, int width, Matrix context)
    {
        var weights = new float[keys.Rows];
        for (var other = 0; other < weights.Length; other++)
        {
            var score = TensorPrimitives.Dot(queries[position].Slice(start, width), keys[other].Slice(start, width));
            weights[other] = mask[position][other] == 0 ? score / MathF.Sqrt(width) : float.NegativeInfinity;
        }

        Softmax(weights);
        var target = context[position].Slice(start, width);
        for (var other = 0; other < weights.Length; other++) TensorPrimitives.MultiplyAdd(values[other].Slice(start, width), weights[other], target, target);
    }

    private static void Softmax(Span<float> scores)
    {
        var (highest, sum) = (float.NegativeInfinity, 0f);
        foreach (var score in scores) highest = MathF.Max(highest, score);
        foreach (ref var score in scores) sum += score = MathF.Exp(score - highest);
        foreach (ref var score in scores) score /= sum;
    }

    // The checkpoint's own mask where it has one: what is not 0 is hidden. Else each position sees itself and those before it.
    private static Matrix Mask(Module att, int positions)
    {
        var mask = new Matrix(positions, positions);
        for (var row = 0; row < positions; row++)
        {
            if (att.Has("mask")) att.Row("mask", row, positions).CopyTo(mask[row]);
            else mask[row][(row + 1)..].Fill(1);
        }

        return mask;
    }
}
