namespace Loadline.Checkpoints.Sharded;

/// <summary>
/// Which tensors go into which shard: in the order declared, as many as fit; a tensor that is larger than a shard has one of its own. Only the tensors'
/// bytes are counted, as Hugging Face's <c>save_pretrained</c> does.
/// </summary>
internal static class ShardPlan
{
    /// <summary>The tensors of each shard. There is always one, if only an empty one.</summary>
    public static List<TensorDeclaration[]> Of(IReadOnlyList<TensorDeclaration> tensors, long shardBytes)
    {
        var shards = new List<TensorDeclaration[]>();
        var (start, bytes) = (0, 0L);
        for (var i = 0; i < tensors.Count; i++)
        {
            // In the order in which nothing can overflow: what is there never exceeds the limit by more than one tensor.
            if (i > start && tensors[i].ByteCount > shardBytes - bytes)
            {
                shards.Add(Slice(start, i));
                (start, bytes) = (i, 0);
            }

            bytes += tensors[i].ByteCount;
        }

        if (start < tensors.Count || shards.Count == 0) shards.Add(Slice(start, tensors.Count));
        return shards;

        TensorDeclaration[] Slice(int from, int to) => [.. tensors.Skip(from).Take(to - from)];
    }

    /// <summary>The name of a shard, as in <c>model-00001-of-00003.safetensors</c>.</summary>
    public static string FileName(int shard, int count) => FormattableString.Invariant($"model-{shard + 1:D5}-of-{count:D5}.safetensors");
}
