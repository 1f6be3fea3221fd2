using System.Text;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;

namespace Loadline.Unit;

/// <summary>A safetensors file of random bytes, a few tensors of some MiB each.</summary>
internal static class LargeCheckpoint
{
    public static Checkpoint Create(string path, int tensors, int mebibytesEach, PositionedReads? reads = null)
    {
        var bytes = mebibytesEach * (int)ByteSize.MiB;
        var entries = Enumerable.Range(0, tensors).Select(i => $$"""
            "t{{i:00}}":{"dtype":"U8","shape":[{{bytes}}],"data_offsets":[{{(long)i * bytes}},{{(long)(i + 1) * bytes}}]}
            """);
        var header = Encoding.UTF8.GetBytes($"{{{string.Join(',', entries)}}}");
        using (var file = new BinaryWriter(File.Create(path)))
        {
            file.Write((long)header.Length);
            file.Write(header);
            var random = new Random(1);
            var tensor = new byte[bytes];
            for (var i = 0; i < tensors; i++)
            {
                random.NextBytes(tensor);
                file.Write(tensor);
            }
        }

        return Checkpoint.Open(path, reads ?? PositionedReads.OfTheKernel);
    }
}
