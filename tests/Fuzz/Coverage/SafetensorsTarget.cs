using System.Buffers.Binary;

namespace Loadline.Fuzz.Coverage;

/// <summary>
/// An input is a whole file; or, where it starts with a brace, what comes behind the header's length, which is then right. Else the fuzzer
/// could hardly ever make a header longer or shorter.
/// </summary>
internal sealed class SafetensorsTarget : CoverageTarget
{
    public override string Name => "safetensors";

    public override IReadOnlyList<byte[]> Words => CoverageWords.Json;

    public override string Write(byte[] input, string scratch)
    {
        var path = Path.Combine(scratch, "input.safetensors");
        using var file = File.Create(path);
        if (input is [(byte)'{', ..])
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, input.AsSpan().LastIndexOf((byte)'}') + 1);
            file.Write(length);
        }

        file.Write(input);
        return path;
    }

    protected override byte[]? SeedOf(string file, byte[] contents) => contents switch
    {
        [_, _, _, _, _, _, _, _, (byte)'{', ..] => file.Length % 2 == 0 ? contents : contents[8..],
        _ => null,
    };
}
