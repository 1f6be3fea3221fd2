using System.Text;

namespace Loadline.Unit.Harness.Hostile;

/// <summary>Sound files whose contents as text are as long as their files: what is printed is never there as a whole.</summary>
public sealed class LongOutputTests
{
    private const int Tensors = 60_000;
    private const long HeapBytes = 64L << 20;
    private const int HeapBytesPerFileByte = 8;

    [Theory]
    [InlineData("inspect")]
    [InlineData("inspect", "--json")]
    public async Task Tensors_of_8_dimensions_are_printed_within_the_memory_that_their_file_justifies(params string[] command)
    {
        using var folder = new TemporaryFolder();
        var sizes = "[0" + string.Concat(Enumerable.Repeat(",0", 7)) + "]";
        var header = "{" + string.Join(',', Enumerable.Range(0, Tensors).Select(i => $"\"{i:x}\":{{\"dtype\":\"U8\",\"shape\":{sizes},\"data_offsets\":[0,0]}}")) + "}";
        var path = folder.Write("a.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. Encoding.ASCII.GetBytes(header)]);

        var (code, output, error) = await LoadlineProcess.RunAsync(HeapBytes + HeapBytesPerFileByte * new FileInfo(path).Length, [.. command, path]);

        (code, error).Should().Be((0, ""));
        output.Length.Should().BeGreaterThan(40 * Tensors);
    }
}
