using System.Numerics.Tensors;

namespace Loadline.Forward;

/// <summary>As <c>torch.nn.Linear</c>: y = x·Wᵀ + b, the bias if there is one.</summary>
internal static class Linear
{
    public static Matrix Apply(Matrix x, Module linear)
    {
        var y = new Matrix(x.Rows, linear.RowCount("weight"));
        // Each row of weights is read once, for all positions.
        linear.EachRow("weight", (output, weights) =>
        {
            for (var position = 0; position < x.Rows; position++) y[position][output] = TensorPrimitives.Dot(weights, x[position]);
        });

        if (linear.FindVector("bias") is not { } bias) return y;
        for (var position = 0; position < y.Rows; position++) TensorPrimitives.Add(y[position], bias, y[position]);
        return y;
    }
}
