using System.Numerics.Tensors;

namespace Loadline.Forward;

/// <summary>Activations: a row of float32 for each position of the input.</summary>
internal sealed class Matrix(int rows, int columns)
{
    private readonly float[] _values = new float[checked(rows * columns)];

    public int Rows => rows;

    public int Columns => columns;

    public Span<float> this[int row] => _values.AsSpan(row * columns, columns);

    /// <summary>All values, row after row.</summary>
    public Span<float> Values => _values;

    /// <summary>The sum with a matrix of the same size.</summary>
    public static Matrix operator +(Matrix a, Matrix b)
    {
        var sum = new Matrix(a.Rows, a.Columns);
        TensorPrimitives.Add(a.Values, b.Values, sum.Values);
        return sum;
    }
}
