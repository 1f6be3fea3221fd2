using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Measuring;

namespace Loadline.Unit.Measuring;

/// <summary>The oracle of <c>--verify digest</c> and the fast conversion, which is pinned to PyTorch's results, find each other's mistakes.</summary>
public class NaiveConversionTests
{
    public static TheoryData<string, string> Conversions => new(
        from source in DType.All
        from target in DTypeConversion.Targets
        where source != target && DTypeConversion.CanConvert(source, target)
        select (source.Name, target.Name));

    [Theory]
    [MemberData(nameof(Conversions))]
    public void It_agrees_with_the_fast_conversion_on_any_bits(string source, string target)
    {
        DType.TryParse(source, out var from).Should().BeTrue();
        DType.TryParse(target, out var to).Should().BeTrue();
        const int count = 1 << 16;
        var stored = new byte[count * from!.BytesPerElement];
        new Random(11).NextBytes(stored);
        // Every pattern of the narrow dtypes.
        if (from.BytesPerElement == 1) Enumerable.Range(0, count).Select(i => (byte)i).ToArray().CopyTo(stored, 0);
        if (from.BytesPerElement == 2) MemoryMarshal.AsBytes(Enumerable.Range(0, count).Select(i => (ushort)i).ToArray().AsSpan()).CopyTo(stored);

        var fast = new byte[count * to!.BytesPerElement];
        DTypeConversion.Convert(from, stored, to, fast);

        var naive = new List<byte>();
        NaiveConversion.Convert(from, stored, to, bytes => naive.AddRange(bytes));

        naive.Should().Equal(fast);
    }
}
