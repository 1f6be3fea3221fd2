using System.Collections.Concurrent;
using Loadline.Reading;
using Loadline.Tensors;

namespace Loadline.Forward;

/// <summary>Takes the row of a matrix of weights, which is only lent.</summary>
internal delegate void RowAction(int row, ReadOnlySpan<float> values);

/// <summary>The threads of a forward, and their buffers, which outlive them: there are threads for each matrix.</summary>
internal sealed class WeightReaders(int threads)
{
    // All of them from the start: how many threads are ever at work at once is luck, and would be seen in the peak.
    private readonly ConcurrentStack<WeightReader> _idle = new(Enumerable.Range(0, threads).Select(_ => new WeightReader()));

    /// <summary>A vector, or the first elements of a row.</summary>
    public float[] Read(Tensor tensor, long first, int count)
    {
        var reader = Rent();
        var values = reader.Read(tensor, first, count).ToArray();
        _idle.Push(reader);
        return values;
    }

    /// <summary>
    /// Every row of a matrix, once. Blocks of rows are handed out in the file's order, so that mapped weights stream from the disk. Each row comes whole to one
    /// thread: results are the same for any number of them.
    /// </summary>
    public void EachRow(Tensor matrix, RowAction action)
    {
        var (rows, columns) = ((int)matrix.Shape[0], (int)matrix.Shape[1]);
        var blockRows = Math.Max(1, WeightReader.BlockBytes / sizeof(float) / columns);
        var blocks = (rows + blockRows - 1) / blockRows;
        Readers.Run(Math.Min(threads, blocks), Enumerable.Range(0, blocks), block =>
        {
            var first = block * blockRows;
            var count = Math.Min(blockRows, rows - first);
            var reader = Rent();
            var values = reader.Read(matrix, (long)first * columns, count * columns);
            for (var row = 0; row < count; row++) action(first + row, values.Slice(row * columns, columns));
            _idle.Push(reader);
        });
    }

    private WeightReader Rent() => _idle.TryPop(out var reader) ? reader : new WeightReader();
}
