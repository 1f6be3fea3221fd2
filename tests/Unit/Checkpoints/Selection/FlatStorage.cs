using System.Runtime.InteropServices;
using Loadline.Unit.Checkpoints.Pth;

namespace Loadline.Unit.Checkpoints.Selection;

/// <summary>An archive with one storage of float32, each element its own index, and vectors that view it.</summary>
internal static class FlatStorage
{
    public static string Write(string path, params ReadOnlySpan<(string Name, int First, int Count)> views)
    {
        var elements = 0;
        foreach (var (_, first, count) in views) elements = Math.Max(elements, first + count);
        var (pairs, values) = (new List<string>(), new float[elements]);
        for (var i = 0; i < elements; i++) values[i] = i;
        foreach (var (name, first, count) in views) pairs.AddRange([TinyPickle.Text(name), TinyPickle.Tensor(TinyPickle.Storage("0", elements), first, [count], [1])]);
        var pickle = TinyPickle.File(TinyPickle.Dict([.. pairs]));
        File.WriteAllBytes(path, TinyArchive.Of(("a/data.pkl", pickle), ("a/data/0", MemoryMarshal.AsBytes(values.AsSpan()).ToArray())));
        return path;
    }
}
