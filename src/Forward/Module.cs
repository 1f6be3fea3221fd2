using Loadline.DeviceMaps.Dispatch;

namespace Loadline.Forward;

/// <summary>A part of a layer under its name, as <c>nn.Module</c> is: it has tensors, and modules inside it.</summary>
internal sealed class Module(Layer layer, string name, WeightReaders readers)
{
    /// <summary>The module inside it.</summary>
    public Module this[string child] => new(layer, $"{name}.{child}", readers);

    /// <summary>All elements of a vector.</summary>
    public float[] Vector(string tensor) => FindVector(tensor) ?? throw new KeyNotFoundException($"there is no tensor '{name}.{tensor}'");

    /// <summary>All elements of a vector, or null where there is none of that name.</summary>
    public float[]? FindVector(string tensor) =>
        layer.TryGetValue($"{name}.{tensor}", out var vector) ? readers.Read(vector, 0, checked((int)vector.ElementCount)) : null;

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Has(string tensor) => layer.ContainsKey($"{name}.{tensor}");

    /// <summary>The first elements of a matrix' row.</summary>
    public float[] Row(string tensor, int row, int count)
    {
        var matrix = layer[$"{name}.{tensor}"];
        return readers.Read(matrix, row * matrix.Shape[1], count);
    }

    /// <summary>Every row of a matrix, on several threads.</summary>
    public void EachRow(string tensor, RowAction action) => readers.EachRow(layer[$"{name}.{tensor}"], action);

    /// <summary>How many rows a matrix has.</summary>
    public int RowCount(string tensor) => (int)layer[$"{name}.{tensor}"].Shape[0];
}
