using System.Security.Cryptography;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Forward.Models;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Making;

/// <summary>Writes checkpoints of models that were never trained, in memory bounded by two pieces, with the digests of their tensors.</summary>
internal sealed class SyntheticCheckpointMaker : ICheckpointMaker
{
    private const int PieceBytes = 4 * (int)ByteSize.MiB;

    /// <summary>What a sparse checkpoint has of each tensor at either end: enough to recognise it, the rest is holes.</summary>
    private const int SparseEndBytes = 64;

    public IReadOnlyList<string> Models => KnownModels.Names;

    public void Make(CheckpointRecipe recipe, string path, bool sparse, Action<double> progress, CancellationToken cancellation)
    {
        var model = KnownModels.TryCreate(recipe.Model, recipe.DType)
            ?? throw new InputException($"unknown model '{recipe.Model}': known are {string.Join(", ", Models)}");
        var tensors = model.Parameters.Select(p => new TensorDeclaration(p.Name, recipe.DType, p.Shape)).ToList();
        var values = new SyntheticWeights(model, (ulong)recipe.Seed);

        using var writer = CheckpointWriter.Create(path, recipe.Format, tensors, sparse: sparse, pendingPath: PendingCheckpoints.Begin(path));
        if (sparse)
        {
            WriteEnds(tensors, values, writer, cancellation);
            writer.Commit();
            return;
        }

        var digests = WriteAll(tensors, values, writer, progress, cancellation);
        writer.Commit();
        Digests.Write(path, digests);
    }

    private static Dictionary<string, TensorDigest> WriteAll(
        List<TensorDeclaration> tensors, SyntheticWeights values, CheckpointWriter writer, Action<double> progress, CancellationToken cancellation)
    {
        var digests = new Dictionary<string, TensorDigest>();
        var (done, total) = (0L, (double)tensors.Sum(t => t.ByteCount));
        // One core makes the next piece while another checksums and writes this one.
        using var output = new WriteBehind(writer, PieceBytes);
        for (var i = 0; i < tensors.Count; i++)
        {
            using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (long offset = 0; offset < tensors[i].ByteCount; offset += PieceBytes)
            {
                cancellation.ThrowIfCancellationRequested();
                var piece = output.GetSpan((int)Math.Min(PieceBytes, tensors[i].ByteCount - offset));
                values.Fill(i, offset / tensors[i].DType.BytesPerElement, piece);
                sha256.AppendData(piece);
                output.Advance(piece.Length);
                done += piece.Length;
                progress(done / total);
            }

            digests.Add(tensors[i].Name, new TensorDigest(tensors[i].DType.Name, tensors[i].Shape, Convert.ToHexStringLower(sha256.GetHashAndReset())));
        }

        output.Complete();
        return digests;
    }

    private static void WriteEnds(List<TensorDeclaration> tensors, SyntheticWeights values, CheckpointWriter writer, CancellationToken cancellation)
    {
        Span<byte> end = stackalloc byte[SparseEndBytes];
        for (var i = 0; i < tensors.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var bytes = tensors[i].ByteCount;
            var first = end[..(int)Math.Min(SparseEndBytes, bytes)];
            values.Fill(i, 0, first);
            writer.Write(first);
            var last = end[..(int)Math.Min(SparseEndBytes, bytes - first.Length)];
            writer.WriteHole(bytes - first.Length - last.Length);
            values.Fill(i, (bytes - last.Length) / tensors[i].DType.BytesPerElement, last);
            writer.Write(last);
        }
    }
}
