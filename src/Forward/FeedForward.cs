namespace Loadline.Forward;

/// <summary>The article's FeedForward: to four times the width, GELU, and back.</summary>
internal static class FeedForward
{
    private static readonly float Slope = MathF.Sqrt(2 / MathF.PI);

    public static Matrix Apply(Matrix x, Module ff) => Linear.Apply(Gelu(Linear.Apply(x, ff["layers.0"])), ff["layers.2"]);

    // The approximation by tanh, as GPT-2 was trained with.
    private static Matrix Gelu(Matrix x)
    {
        foreach (ref var value in x.Values) value = 0.5f * value * (1 + MathF.Tanh(Slope * (value + 0.044715f * value * value * value)));
        return x;
    }
}
