using System.Security.Cryptography;
using Loadline.Checkpoints;
using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Measuring;

/// <summary>
/// Reads every tensor back from its device and compares it with the digests recorded beside the file, else with what the naive reader finds there.
/// What got another dtype is compared with a naive conversion of what the naive reader finds, which must be what was recorded.
/// </summary>
internal sealed class WeightVerifier(Checkpoint checkpoint, int readers, ILoadObserver? observer = null)
{
    private const int MostOfName = 100;
    private const int PieceBytes = 256 * (int)ByteSize.KiB;

    private readonly RecordedDigests? _recorded = Digests.Find(checkpoint);

    /// <summary>Compares all tensors of a model that was made from these entries.</summary>
    /// <exception cref="VerificationException">One differs.</exception>
    public VerifiedEvent Verify(Model model, IReadOnlyList<TensorEntry> entries) => Verify(name => LoadedTensor.Of(model[name]), entries);

    /// <summary>Compares all tensors, wherever they are by now.</summary>
    /// <exception cref="VerificationException">One differs.</exception>
    public VerifiedEvent Verify(Func<string, LoadedTensor> tensors, IReadOnlyList<TensorEntry> entries)
    {
        RefuseLost(entries);
        checkpoint.BeginReading();
        Readers.Run(checkpoint.ReadersOf(readers), entries, entry => Verify(entry, tensors(entry.Name)));
        var layouts = entries.Select(e => tensors(e.Name).Layout).ToList();
        var converted = entries.Zip(layouts).Any(pair => pair.First.DType != pair.Second.DType) ? ", converted one element at a time" : "";
        return new VerifiedEvent(entries.Count, layouts.Sum(layout => layout.ByteCount), Against(entries) + converted);
    }

    private static string Named(TensorEntry entry) => PrintableText.Escape(PrintableText.Shorten(entry.Name, MostOfName));

    // A record may be of other tensors, or of none: that says nothing of these.
    private string Against(IReadOnlyList<TensorEntry> entries)
    {
        var recorded = _recorded is null ? 0 : entries.Count(entry => _recorded.Tensors.ContainsKey(entry.StoredName));
        return recorded == 0 ? "a naive reading of the file"
            : recorded == entries.Count ? "the recorded digests"
            : $"the recorded digests of {recorded}, of the others a naive reading of the file";
    }

    // Where all of a file is loaded, what was recorded is there.
    private void RefuseLost(IReadOnlyList<TensorEntry> entries)
    {
        if (_recorded is null || !checkpoint.Selection.IsAll || checkpoint.Unloadable.Count > 0 || entries.Count != checkpoint.Entries.Count) return;
        // Digests of other tensors altogether say nothing of these.
        if (_recorded is { Tensors.Count: > 0, Other: { } lost })
            throw new VerificationException($"{checkpoint.Path} is without tensor '{PrintableText.Escape(PrintableText.Shorten(lost, MostOfName))}', which is among its recorded digests");
    }

    private void Verify(TensorEntry entry, LoadedTensor tensor)
    {
        observer?.Touches(entry.Name);
        var expected = Recorded(entry)?.Sha256;
        var (layout, readable) = (tensor.Layout, tensor.Readable);
        if (readable is not null && expected is not null && layout.DType == entry.DType)
        {
            Compare(entry, expected, InMemory(layout, readable));
            return;
        }

        // Else the file must be what was recorded, and memory must hold what the file does: an accelerator that keeps checksums only, its checksums.
        var checksums = readable is null ? new BlockChecksums(layout.ByteCount) : null;
        var (stored, loaded) = InFile(entry, layout.DType, checksums);
        Compare(entry, expected ?? stored, stored);
        if (readable is not null) Compare(entry, loaded, InMemory(layout, readable));
        else if (tensor.Simulated!.Checksums.FirstDifference(checksums!) is { } position)
        {
            throw new VerificationException($"tensor '{Named(entry)}' on {tensor.Simulated.Device} differs from the file between bytes {position} and {position + BlockChecksum.BlockBytes}");
        }
    }

    // Equal bytes under another dtype or shape are other weights.
    private TensorDigest? Recorded(TensorEntry entry)
    {
        if (_recorded?.Tensors.GetValueOrDefault(entry.StoredName) is not { } recorded) return null;
        if (recorded.DType == entry.DType.Name && recorded.Shape.AsSpan().SequenceEqual(entry.Shape.AsSpan())) return recorded;
        throw new VerificationException($"tensor '{Named(entry)}' of {checkpoint.Path} is {Shapes.Format(entry.Shape.AsSpan())} of {entry.DType}, "
            + $"but was recorded as {Shapes.Format(recorded.Shape.AsSpan())} of {PrintableText.Escape(PrintableText.Shorten(recorded.DType, MostOfName))}");
    }

    private void Compare(TensorEntry entry, string expected, string found)
    {
        if (found != expected) throw new VerificationException($"tensor '{Named(entry)}' of {checkpoint.Path} has sha256 {found}, expected {expected}");
    }

    /// <summary>The digests of a tensor as it is stored and as it is to be loaded.</summary>
    private (string Stored, string Loaded) InFile(TensorEntry entry, DType dtype, BlockChecksums? checksums)
    {
        using var stored = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var loaded = entry.DType == dtype ? null : IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long position = 0;
        NaiveReader.Read(checkpoint, entry, bytes =>
        {
            stored.AppendData(bytes);
            if (loaded is null) Add(bytes);
            else if (!NaiveConversion.Convert(entry.DType, bytes, dtype, Add)) throw new VerificationException($"tensor '{Named(entry)}' of {checkpoint.Path} holds what is too large for {dtype}");
        });
        var digest = Finish(stored);
        return (digest, loaded is null ? digest : Finish(loaded));

        void Add(ReadOnlySpan<byte> bytes)
        {
            loaded?.AppendData(bytes);
            checksums?.Add(position, bytes);
            position += bytes.Length;
        }
    }

    private static string InMemory(TensorEntry view, IReadableStorage storage)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var reader = new TensorReader();
        var buffer = new byte[Math.Min(view.ByteCount, PieceBytes)];
        for (long done = 0; done < view.ByteCount; done += PieceBytes)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(PieceBytes, view.ByteCount - done));
            reader.Read(view, storage, done, piece);
            sha256.AppendData(piece);
        }

        return Finish(sha256);
    }

    private static string Finish(IncrementalHash hash)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return Convert.ToHexStringLower(digest);
    }
}
