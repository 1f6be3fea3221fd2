using System.Buffers.Binary;
using System.Text;
using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints.Safetensors;

/// <summary>
/// Each case was also given to safetensors 0.4.5, which accepts and refuses the same, except for names that come twice, and for sizes above 2^63 - 1 beside one
/// of 0.
/// </summary>
public sealed class SafetensorsReaderTests
{
    // What fits no other number is not silently another size, beside one of 0 either.
    [Theory]
    [InlineData("9223372036854775808")]
    [InlineData("18446744073709551615")]
    public void A_size_that_no_tensor_has_is_refused(string size)
    {
        var header = $$$"""{"a":{"dtype":"F32","shape":[0,{{{size}}}],"data_offsets":[0,0]}}""";
        Refusal.Of([.. BitConverter.GetBytes((ulong)header.Length), .. System.Text.Encoding.UTF8.GetBytes(header)], CheckpointError.Malformed, "a size is larger than any that a tensor can have");
    }

    private const string U8 = "\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]";

    [Theory]
    [InlineData("{\"a\":{" + U8 + "}}")]
    [InlineData(" \n\t\r{\"a\":{" + U8 + "}}")]
    [InlineData("{\"a\":{" + U8 + "}} \n\t\r")]
    [InlineData("{\"a\":{" + U8 + ",\"unknown\":{\"y\":[1,2e3,null,\"z\"]}}}")]
    [InlineData("{\"__metadata__\":null,\"a\":{" + U8 + "}}")]
    [InlineData("{\"__metadata__\":{\"x\":\"1\",\"x\":\"2\"},\"a\":{" + U8 + "}}")]
    [InlineData("{\"a\":[\"U8\",[4],[0,4]]}")]
    [InlineData("{\"a\":{\"dtype\":{\"U8\":null},\"shape\":[4],\"data_offsets\":[0,4]}}")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,4]}}")]
    [InlineData("{\"\":{" + U8 + "}}")]
    [InlineData("{\"\\ud83d\\ude00\\u0000\":{" + U8 + "}}")]
    [InlineData("{\"z\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]},\"a\":{" + U8 + "}}")]
    [InlineData("{\"z\":{\"dtype\":\"U8\",\"shape\":[0,9223372036854775807,9223372036854775807],\"data_offsets\":[0,0]},\"a\":{" + U8 + "}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F4\",\"shape\":[8],\"data_offsets\":[0,4]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[0,3]},\"b\":{\"dtype\":\"F8_E8M0\",\"shape\":[1],\"data_offsets\":[3,4]}}")]
    public void What_the_reference_accepts_is_read(string header)
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("m.safetensors", FileOf(header, 4)));
        checkpoint.StorageBytes.Should().Be(4);
        checkpoint.Entries.Should().OnlyContain(e => e.CoversStorage || e.ElementCount == 0 || e.DType.BytesPerElement == 0);
    }

    [Theory]
    [InlineData("{\"a\":{" + U8 + "},\"a\":{" + U8 + "}}", "tensor 'a' stands in the header twice")]
    [InlineData("{\"a\":{\"dtype\":\"U8\"," + U8 + "}}", "tensor 'a' has its dtype twice")]
    [InlineData("{\"__metadata__\":{},\"__metadata__\":{},\"a\":{" + U8 + "}}", "__metadata__ stands there twice")]
    [InlineData("{\"__metadata__\":{\"x\":1},\"a\":{" + U8 + "}}", "a string in __metadata__")]
    [InlineData("{\"__metadata__\":[],\"a\":{" + U8 + "}}", "__metadata__ is no object")]
    [InlineData("{\"a\":{\"dtype\":\"U9\",\"shape\":[4],\"data_offsets\":[0,4]}}", "no dtype 'U9'")]
    [InlineData("{\"a\":{\"dtype\":\"u8\",\"shape\":[4],\"data_offsets\":[0,4]}}", "no dtype 'u8'")]
    [InlineData("{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", "'a' lacks dtype")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4.0]}}", "no whole number")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[-4],\"data_offsets\":[0,4]}}", "no whole number")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[-0,4]}}", "no whole number")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[18446744073709551616],\"data_offsets\":[0,4]}}", "no whole number")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4,4]}}", "two offsets")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":\"4\",\"data_offsets\":[0,4]}}", "list of sizes")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,4]}}", "spans 4 bytes, but shape [3] of U8 needs 3")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[1,4]}}", "begins at 1")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,0]}}", "begins at 4")]
    [InlineData("{\"a\":{" + U8 + "},\"b\":{" + U8 + "}}", "tensor 'b' begins at 0, but the one before ends at 4")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[3,4]}}", "holes and overlaps")]
    [InlineData("{\"a\":{" + U8 + "},\"z\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[2,2]}}", "tensor 'z' begins at 2")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}", "1 bytes behind the last tensor")]
    [InlineData("{}", "4 bytes behind the last tensor")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[9223372036854775807,9223372036854775807,0],\"data_offsets\":[0,0]}}", "no size in whole bytes")]
    [InlineData("{\"a\":{\"dtype\":\"F4\",\"shape\":[7],\"data_offsets\":[0,4]}}", "no size in whole bytes")]
    [InlineData("{\"a\":{" + U8 + "}}{}", "the header is refused")]
    [InlineData("{\"a\":{" + U8 + "}", "the header is refused")]
    [InlineData("{\"a\":{" + U8 + "},}", "the header is refused: '\"' is missing, at byte 53")]
    [InlineData("{/**/\"a\":{" + U8 + "}}", "the header is refused")]
    [InlineData("{\"a\":{" + U8 + "}}\0", "the header is refused")]
    [InlineData("{\"a\nb\":{" + U8 + "}}", "the header is refused")]
    [InlineData("{\"\\ud800\":{" + U8 + "}}", "the header is refused")]
    [InlineData("{\"a\":{" + U8 + ",\"x\":\"\\udc00\"}}", "the header is refused")]
    [InlineData("{\"a\":{" + U8 + ",\"x\":1e999}}", "a number is too large")]
    [InlineData("{\"a\":null}", "'a' lacks dtype")]
    public void What_the_reference_refuses_is_refused(string header, string says) => Refusal.Of(FileOf(header, 4), CheckpointError.Malformed, says);

    [Theory]
    [InlineData(125, true)]
    [InlineData(126, false)]
    public void Nesting_is_limited_as_in_the_reference(int levels, bool isAccepted)
    {
        var file = FileOf("{\"a\":{" + U8 + ",\"x\":" + new string('[', levels) + new string(']', levels) + "}}", 4);
        if (!isAccepted) Refusal.Of(file, CheckpointError.Malformed, "depth");
        else
        {
            using var folder = new TemporaryFolder();
            Checkpoint.Open(folder.Write("m.safetensors", file)).Dispose();
        }
    }

    [Fact]
    public void More_tensors_than_the_headers_length_justifies_are_refused() =>
        Refusal.Of(FileOf("{" + string.Join(',', Enumerable.Range(0, 150_000).Select(i => $"\"{i:x}\":[\"U8\",[],[0,0]]")) + "}", 4), CheckpointError.Malformed, "tensors in");

    [Fact]
    public void A_shape_longer_than_any_tensors_is_refused() =>
        Refusal.Of(FileOf("{\"a\":{\"shape\":[" + string.Join(',', Enumerable.Repeat("1", 65)) + "]}}", 4), CheckpointError.Malformed, "more than 64 dimensions");

    [Fact]
    public void More_dimensions_than_any_models_tensors_have_are_refused() => Refusal.Of(
        FileOf("{" + string.Join(',', Enumerable.Range(0, 1200).Select(i => $"\"{i:x}\":[\"U8\",[{string.Join(',', Enumerable.Repeat("0", 64))}],[0,0]]")) + "}", 4),
        CheckpointError.Malformed,
        "dimensions in");

    [Fact]
    public void A_name_longer_than_any_tensors_is_refused() =>
        Refusal.Of(FileOf("{\"" + new string('a', 65_537) + "\":{" + U8 + "}}", 4), CheckpointError.Malformed, "name of 65537 bytes");

    [Fact]
    public void A_header_longer_than_the_limit_is_refused() =>
        Refusal.Of([.. BitConverter.GetBytes(100_000_001UL), .. "{}"u8], CheckpointError.LimitExceeded, "header of 100000001 bytes", "limit of 100000000");

    [Fact]
    public void A_header_of_the_largest_length_is_refused() =>
        Refusal.Of([.. BitConverter.GetBytes(ulong.MaxValue), .. "{}"u8], CheckpointError.LimitExceeded, "18446744073709551615");

    [Fact]
    public void A_header_longer_than_the_file_is_refused() =>
        Refusal.Of([.. BitConverter.GetBytes(100UL), .. "{}"u8], CheckpointError.Truncated, "header of 100 bytes", "only 2");

    [Fact]
    public void A_truncated_file_is_refused() =>
        Refusal.Of(FileOf("{\"a\":{" + U8 + "}}", 3), CheckpointError.Truncated, "tensor 'a' is cut short: it ends at 4, but 3 bytes are there");

    [Fact]
    public void A_name_that_is_no_UTF8_is_refused() =>
        Refusal.Of(FileOf([.. "{\"a"u8, 0xff, .. "\":{"u8, .. Encoding.ASCII.GetBytes(U8), .. "}}"u8], 4), CheckpointError.Malformed, "the header is refused");

    [Fact]
    public void Tensors_come_in_the_order_of_their_bytes_whatever_the_headers_order()
    {
        using var folder = new TemporaryFolder();
        var header = "{\"second\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[3,4]},\"first\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}";
        using var checkpoint = Checkpoint.Open(folder.Write("m.safetensors", FileOf(header, 4)));
        checkpoint.Entries.Select(e => e.Name).Should().Equal("first", "second");
    }

    private static byte[] FileOf(string header, int dataBytes) => FileOf(Encoding.UTF8.GetBytes(header), dataBytes);

    private static byte[] FileOf(byte[] header, int dataBytes)
    {
        var file = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        return file;
    }
}
