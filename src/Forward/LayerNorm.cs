namespace Loadline.Forward;

/// <summary>The article's LayerNorm: variance without Bessel's correction, ε = 1e-5, then scale and shift.</summary>
internal static class LayerNorm
{
    private const float Epsilon = 1e-5f;

    public static Matrix Apply(Matrix x, Module norm)
    {
        var (scale, shift) = (norm.Vector("scale"), norm.Vector("shift"));
        var y = new Matrix(x.Rows, x.Columns);
        for (var position = 0; position < x.Rows; position++) Apply(x[position], scale, shift, y[position]);
        return y;
    }

    private static void Apply(ReadOnlySpan<float> x, float[] scale, float[] shift, Span<float> y)
    {
        double sum = 0, squares = 0;
        foreach (var value in x) sum += value;
        var mean = sum / x.Length;
        foreach (var value in x) squares += (value - mean) * (value - mean);
        var deviation = Math.Sqrt(squares / x.Length + Epsilon);
        for (var i = 0; i < x.Length; i++) y[i] = (float)(scale[i] * ((x[i] - mean) / deviation) + shift[i]);
    }
}
