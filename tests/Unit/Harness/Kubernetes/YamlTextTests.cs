using System.Text.Json.Nodes;
using Loadline.Harness.Kubernetes;

namespace Loadline.Unit.Harness.Kubernetes;

public class YamlTextTests
{
    [Theory]
    [InlineData("mmap-assign", "mmap-assign")]
    [InlineData("/checkpoints/a.pth", "/checkpoints/a.pth")]
    [InlineData("--strategy", "\"--strategy\"")]
    [InlineData("no", "\"no\"")]
    [InlineData("True", "\"True\"")]
    [InlineData("1e3", "\"1e3\"")]
    [InlineData("", "\"\"")]
    [InlineData("a: b", "\"a: b\"")]
    [InlineData("a #b", "\"a #b\"")]
    [InlineData("a\n---\nkind: Secret", "\"a\\u000a---\\u000akind: Secret\"")]
    [InlineData("\\\"", "\"\\\\\\\"\"")]
    [InlineData("é🚢\u2028", "\"\\u00e9\\U0001f6a2\\u2028\"")]
    public void A_text_stands_bare_only_where_it_can_be_nothing_else(string text, string yaml)
    {
        var written = YamlText.Of("h", [new JsonObject { ["a"] = text }]);

        written.Should().Be($"# h\n---\na: {yaml}\n");
        YamlReader.Read(written)[0]["a"]!.ToString().Should().Be(text);
    }

    [Fact]
    public void Lists_and_members_read_back_as_they_are()
    {
        const string json = """{"a":[{"b":1,"c":[{"d":true},{"e":{}}],"f":[]},"g",[]],"h":{"i":{"j":"k"}},"l":null}""";

        YamlReader.Read(YamlText.Of("h", [JsonNode.Parse(json)!.AsObject()]))[0].ToJsonString().Should().Be(json);
    }

    [Fact]
    public void The_heading_cannot_leave_its_comment() =>
        YamlText.Of("a\nkind: Secret\r\u0085kind: Secret", []).Should().Be("# a\n# kind: Secret\\u000d\\u0085kind: Secret\n");
}
