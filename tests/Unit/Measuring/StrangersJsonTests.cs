using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Loadline.Harness.Curves;
using Loadline.Harness.Kubernetes.Pods;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Unit.Measuring;

public sealed class StrangersJsonTests
{
    public static TheoryData<string> Contexts => [nameof(WorkerJson), nameof(ResultJson), nameof(CurveJson), nameof(PodJson)];

    /// <summary>The reader that the compiler makes gives null to what has a default and is missing, whatever its type says.</summary>
    [Theory]
    [MemberData(nameof(Contexts))]
    public void What_may_be_missing_and_may_not_be_null_is_not_null_where_it_is_missing(string context)
    {
        JsonSerializerContext types = context switch
        {
            nameof(WorkerJson) => WorkerJson.Default,
            nameof(ResultJson) => ResultJson.Default,
            nameof(CurveJson) => CurveJson.Default,
            _ => PodJson.Default,
        };
        var objects = types.GetType().GetProperties().Where(p => p.PropertyType.IsAssignableTo(typeof(JsonTypeInfo))).Select(p => (JsonTypeInfo)p.GetValue(types)!)
            .Where(type => type is { Kind: JsonTypeInfoKind.Object, Type.IsAbstract: false }).ToList();

        objects.Should().NotBeEmpty();
        foreach (var type in objects)
        {
            var missing = RuntimeHelpers.GetUninitializedObject(type.Type);
            foreach (var property in type.Properties.Where(p => p is { IsRequired: false, IsGetNullable: false, Get: not null, AssociatedParameter.IsMemberInitializer: true }))
                property.Get!(missing).Should().NotBeNull($"{type.Type.Name}.{property.Name} may be missing");
        }
    }

    [Theory]
    [InlineData("""{"kind":"List","other":[TEXTS]}""", true)]
    [InlineData("""{"kind":"List","items":[{"metadata":{"name":"a","managedFields":[TEXTS]},"spec":{},"status":{}}]}""", true)]
    [InlineData("""{"kind":"List","items":[{"metadata":{"name":"a"},"spec":{"containers":[{"env":{"a":[TEXTS]}}]},"status":{}}]}""", true)]
    [InlineData("""{"kind":"List","items":[{"metadata":{"name":"a"},"spec":{"containers":[{"command":[TEXTS]}]},"status":{}}]}""", false)]
    [InlineData("""{"kind":"List","items":[{"metadata":{"name":"a","labels":{"a":[TEXTS]}},"spec":{},"status":{}}]}""", false)]
    [InlineData("""{"kind":"List","items":{"other":[TEXTS]}}""", false)]
    public void What_is_read_into_nothing_takes_nothing(string json, bool isSound)
    {
        var texts = string.Join(',', Enumerable.Repeat("\"\"", 500_000));

        var read = () => new StrangersJson<PodList>(PodJson.Default).Read(Encoding.UTF8.GetBytes(json.Replace("TEXTS", texts, StringComparison.Ordinal)));

        if (isSound) read()!.Kind.Should().Be("List");
        else read.Should().Throw<JsonException>().WithMessage("it tells more values than the * that it has are good for");
    }
}
