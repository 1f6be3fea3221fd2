using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Loadline.Checkpoints;
using Loadline.Reading;

namespace Loadline.DeviceMaps;

/// <summary>
/// What tells the weights of one storage from all others: where each of their bytes comes from, in which state of its file, and what becomes of it. Two that are
/// not told apart are loaded for each other.
/// </summary>
/// <param name="identityOf">Which file is read under a path: another may have its name by now, with the same layout.</param>
internal sealed class OffloadIdentity(Func<string, FileIdentity?> identityOf)
{
    // A tensor may have a hundred thousand parts in few files.
    private readonly Dictionary<string, string> _files = [];

    /// <summary>A name of 32 hex digits.</summary>
    public string Of(WeightStorage storage)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, storage.Source);
        Add(hash, storage.SourceOffset, storage.Bytes);
        Add(hash, storage.ConvertedFrom?.Name ?? "");
        Add(hash, storage.Tensors[0].DType.Name);
        // What no tensor sees may overflow in a conversion: seen by others, the same bytes are refused.
        foreach (var tensor in storage.ConvertedFrom is null ? [] : storage.Tensors) AddView(hash, tensor);
        if (storage.Gathered is { } gathered) AddView(hash, gathered);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }

    private void Add(IncrementalHash hash, StorageEntry source)
    {
        Add(hash, source.CompressedBytes ?? -1, source.Bytes);
        if (source.Inline is { } inline)
        {
            Add(hash, inline.Length);
            hash.AppendData(inline);
        }
        else if (source.Assembled is null)
        {
            Add(hash, FileOf(source.File));
            Add(hash, source.Position);
        }

        foreach (var (offsets, part, _) in source.Assembled?.Parts ?? [])
        {
            AddAll(hash, offsets.AsSpan());
            AddView(hash, part);
            Add(hash, part.Storage);
        }
    }

    private static void AddView(IncrementalHash hash, TensorEntry view)
    {
        Add(hash, view.DType.Name);
        Add(hash, view.StorageOffset);
        AddAll(hash, view.Shape.AsSpan());
        AddAll(hash, view.Strides.AsSpan());
    }

    // A file that was changed is another one, also where its length and its time of writing are the same, which programs set; so is one that has moved, which
    // only costs its weights another copy.
    private string FileOf(string path)
    {
        if (_files.TryGetValue(path, out var known)) return known;
        return _files[path] = $"{Path.GetFullPath(path)}|{identityOf(path)}";
    }

    // With its length before it, so that no two lists of texts and numbers are one.
    private static void Add(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Add(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void AddAll(IncrementalHash hash, ReadOnlySpan<long> numbers)
    {
        Add(hash, numbers.Length);
        Add(hash, numbers);
    }

    private static void Add(IncrementalHash hash, params ReadOnlySpan<long> numbers) => hash.AppendData(MemoryMarshal.AsBytes(numbers));
}
